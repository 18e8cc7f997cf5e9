#include "tools/check/finding.h"

#include <algorithm>
#include <array>

#include "tools/check/groups.h"
#include "tools/common/port_text.h"

namespace portguard::tools {
namespace {

void add_reservation(const HostFacts& facts, std::vector<Finding>& findings) {
    PortSet all = facts.settings.ports.reserved;
    for (const Finding& finding : findings) {
        all.insert(finding.reserve);
    }
    const std::string command = sysctl_command(facts, "net.ipv4.ip_local_reserved_ports=" + text_of(all));
    for (Finding& finding : findings) {
        if (!finding.reserve.empty()) {
            finding.fix.insert(0, command);
        }
    }
}

} // namespace

std::string_view severity_name(Severity severity) {
    constexpr std::array<std::string_view, 3> names{"note", "warning", "error"};
    return names[static_cast<std::size_t>(severity)];
}

PortPlan plan_for(const Config& config, const HostFacts& facts) {
    PortPlan plan{config.listen, config.has_listen, config.ephemeral, !config.ephemeral.empty()};
    if (!plan.ephemeral_given) {
        plan.ephemeral = facts.settings.ports.range;
    }
    for (const SocketFact& fact : facts.sockets) {
        if (!plan.listen_given && fact.socket.state == SocketState::listen) {
            plan.listen.insert({fact.socket.local.port, fact.socket.local.port});
        }
    }
    return plan;
}

std::vector<Finding> find_all(const HostFacts& facts, const PortPlan& plan) {
    std::vector<Finding> findings;
    for (const auto checks : {checks_of_sockets(), checks_of_connections(), checks_of_servers(),
                              checks_of_time_wait(), checks_of_sharing(), checks_of_settings(),
                              checks_of_cluster(), checks_of_pods(), checks_of_known_defaults()}) {
        for (const Check check : checks) {
            check(facts, plan, findings);
        }
    }
    add_reservation(facts, findings);
    std::stable_sort(findings.begin(), findings.end(), [](const Finding& left, const Finding& right) {
        return left.severity > right.severity;
    });
    return findings;
}

} // namespace portguard::tools
