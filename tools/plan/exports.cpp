#include "tools/plan/exports.h"

#include <array>

#include "tools/common/port_text.h"
#include "tools/common/refusal.h"
#include "tools/plan/site.h"

namespace portguard::tools {
namespace {

constexpr std::string_view made_by = "made by `portguard plan`";

std::string range_words(const Proposal& proposal) {
    return std::to_string(proposal.split.ephemeral.low) + " " + std::to_string(proposal.split.ephemeral.high);
}

/// sysctl.d(5).
std::string sysctl_file(const Proposal& proposal) {
    return "# " + std::string(made_by) + "\n" + sysctl_lines(proposal);
}

/// systemd.resource-control(5). Denied by range and not by "any", which would forbid bind to port 0 as well.
std::string systemd_drop_in(const Proposal& proposal) {
    constexpr std::size_t most_rules = 128; // SOCKET_BIND_MAX_RULES, src/core/cgroup.h
    std::string rules;
    std::size_t count = 0;
    for (PortRange run = proposal.tcp.next_run(0); !run.empty(); run = proposal.tcp.next_run(run.high + 1U)) {
        rules += "SocketBindAllow=tcp:" + text_of(run) + "\n";
        ++count;
    }
    if (count > most_rules) {
        throw Refusal(ExitCode::findings,
                      "to=systemd: the listen ports are " + std::to_string(count) +
                          " runs, and systemd takes 128 rules; --to=sysctl has no such limit");
    }
    return "# " + std::string(made_by) + "; for NAME.service.d/portguard.conf\n[Service]\n" + rules +
           "SocketBindDeny=tcp:1-65535\n";
}

/// A patch for a pod. Both settings are among the safe ones (ip_local_reserved_ports since Kubernetes 1.27).
std::string kubernetes_patch(const Proposal& proposal) {
    std::string text = "# " + std::string(made_by) +
                       "; for `kubectl patch --patch-file`, or as part of a pod\n"
                       "spec:\n  securityContext:\n    sysctls:\n";
    if (!proposal.split.reserved.empty()) {
        text += "      - name: net.ipv4.ip_local_reserved_ports\n        value: \"" +
                text_of(proposal.split.reserved) + "\"\n";
    }
    return text + "      - name: net.ipv4.ip_local_port_range\n        value: \"" + range_words(proposal) +
           "\"\n";
}

/// For `env`, EnvironmentFile= and docker --env-file, none of which agree on comments. A range with listeners
/// inside would be refused: then `portguard run` finds the best piece of the kernel's.
std::string environment(const Proposal& proposal) {
    std::string text;
    if (!proposal.listen.empty()) {
        text += "PORTGUARD_LISTEN=" + text_of(proposal.listen) + "\n";
    }
    if (!proposal.split.needs_reserved) {
        text += "PORTGUARD_EPHEMERAL=" + text_of(proposal.split.ephemeral) + "\n";
    }
    return text;
}

constexpr std::array<Export, 4> exports{{{"sysctl", sysctl_file},
                                         {"systemd", systemd_drop_in},
                                         {"kubernetes", kubernetes_patch},
                                         {"env", environment}}};

} // namespace

std::span<const Export> all_exports() {
    return exports;
}

} // namespace portguard::tools
