// The kernel's abilities and settings that are no matter of single sockets.
#include <array>

#include "tools/check/finding.h"
#include "tools/check/groups.h"

namespace portguard::tools {
namespace {

void no_socket_range(const HostFacts& facts, const PortPlan&, std::vector<Finding>& findings) {
    if (facts.has_socket_range) {
        return;
    }
    findings.push_back({"no-ip-local-port-range", Severity::warning,
                        "This kernel does not know the socket option IP_LOCAL_PORT_RANGE (Linux 6.3).",
                        "`portguard run` then keeps outgoing connections in their range by an explicit bind: "
                        "one connection a port. The split in net.ipv4.ip_local_port_range has no such limit.",
                        facts.as_root + "portguard plan --to=sysctl\n"});
}

void unprivileged_start(const HostFacts& facts, const PortPlan& plan, std::vector<Finding>& findings) {
    constexpr std::uint16_t kernel_default = 1024;
    const std::uint16_t start = facts.settings.unprivileged_port_start.value_or(kernel_default);
    const PortRange lowest = plan.listen.next_run(0);
    const bool needs_privilege = plan.listen_given && !lowest.empty() && lowest.low < start;
    if (needs_privilege) {
        findings.push_back(
            {"privileged-port",
             Severity::note,
             "Listen port " + std::to_string(lowest.low) +
                 " is below net.ipv4.ip_unprivileged_port_start, which is " + std::to_string(start) + ".",
             "To bind it takes CAP_NET_BIND_SERVICE; without, bind fails with EACCES.",
             sysctl_command(facts, "net.ipv4.ip_unprivileged_port_start=" + std::to_string(lowest.low)),
             std::to_string(lowest.low),
             {}});
    } else if (start != kernel_default) {
        findings.push_back({"unprivileged-port-start",
                            Severity::note,
                            "net.ipv4.ip_unprivileged_port_start is " + std::to_string(start) + ", not " +
                                std::to_string(kernel_default) + ".",
                            "Every user may listen on the ports from there on, and the ephemeral range "
                            "cannot begin below it.",
                            {}});
    }
}

constexpr std::array<Check, 2> checks{no_socket_range, unprivileged_start};

} // namespace

std::span<const Check> checks_of_settings() {
    return checks;
}

} // namespace portguard::tools
