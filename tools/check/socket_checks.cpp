// Sockets against ranges: who is where somebody else belongs.
#include <algorithm>
#include <array>

#include "tools/check/collision.h"
#include "tools/check/groups.h"
#include "tools/common/port_text.h"
#include "tools/plan/split.h"

namespace portguard::tools {
namespace {

/// A range that is proposed is not smaller: below, UDP would be handed shared ports.
constexpr std::uint32_t least_range = 4096;

std::string range_setting(PortRange range) {
    return "net.ipv4.ip_local_port_range=\"" + std::to_string(range.low) + " " + std::to_string(range.high) +
           "\"";
}

PortSet ports_of_listeners(const HostFacts& facts) {
    return set_of(grouped(facts, [](const SocketFact& fact) { return fact.role == Role::listener; }));
}

/// Another place for the range, which needs no list of ports; empty: there is none of a useful size.
std::string move_range_command(const HostFacts& facts, const PortPlan& plan) {
    PortSet taken = ports_of_listeners(facts);
    taken.insert(plan.listen);
    for (const ClusterPort& entry : facts.cluster) {
        taken.insert(entry.ports);
    }
    const PortRange gap = largest_gap(plan.ephemeral, taken);
    return gap.size() < least_range || gap == facts.settings.ports.range
               ? ""
               : "# or: " + sysctl_command(facts, range_setting(gap));
}

void add_listeners(const HostFacts& facts, const PortPlan& plan, Collision collision, PortRange range,
                   const std::string& why, std::vector<Finding>& findings) {
    const auto groups = grouped(facts, [&](const SocketFact& fact) {
        return collision_of(fact, facts.settings.ports, plan) == collision;
    });
    if (groups.empty()) {
        return;
    }
    const std::string fix = move_range_command(facts, plan);
    for (const Group& group : groups) {
        findings.push_back(
            {finding_id(collision), Severity::error,
             group.who + " listens on " + ports_in_words(group.ports) + ", inside " + text_of(range) + ".",
             why + " A port that the kernel chose (bind to 0) needs no cure.", fix, text_of(group.ports),
             group.pids, set_of(group.ports)});
    }
}

void listeners_in_range(const HostFacts& facts, const PortPlan& plan, std::vector<Finding>& findings) {
    add_listeners(facts, plan, Collision::listener_in_kernel_range, facts.settings.ports.range,
                  "The kernel gives ports of this range to outgoing connections. While the server is down, "
                  "any of them may take its port, and it cannot start again (EADDRINUSE).",
                  findings);
    add_listeners(facts, plan, Collision::listener_in_planned_range, plan.ephemeral,
                  "The plan gives ports of this range to outgoing connections: `portguard run` does where "
                  "the kernel's range has no port in common with it, and the kernel once it has this range.",
                  findings);
}

void udp_in_range(const HostFacts& facts, const PortPlan&, std::vector<Finding>& findings) {
    const auto groups = grouped(facts, [&](const SocketFact& fact) {
        return fact.socket.state == SocketState::unconnected &&
               facts.settings.ports.gives(fact.socket.local.port);
    });
    for (const Group& group : groups) {
        findings.push_back({"udp-in-ephemeral-range", Severity::note,
                            group.who + " has a UDP socket on " + ports_in_words(group.ports) + ", inside " +
                                text_of(facts.settings.ports.range) + ".",
                            "A client's port belongs there, a server's does not, and UDP does not tell which "
                            "of the two it is. Add a server's port to net.ipv4.ip_local_reserved_ports.",
                            "", text_of(group.ports), group.pids});
    }
}

void plan_ports_held(const HostFacts& facts, const PortPlan& plan, std::vector<Finding>& findings) {
    const auto groups = grouped(facts, [&](const SocketFact& fact) {
        return plan.listen_given && (fact.role == Role::listener || fact.role == Role::bound) &&
               plan.listen.contains(fact.socket.local.port);
    });
    for (const Group& group : groups) {
        findings.push_back({"plan-port-held", Severity::note,
                            group.who + " holds listen " + ports_in_words(group.ports) + ".",
                            "It listens there or has bound the port. Nobody else can start on it.", "",
                            text_of(group.ports), group.pids});
    }
}

void overlap(const HostFacts& facts, const PortPlan& plan, std::vector<Finding>& findings) {
    PortSet common;
    const HostPorts& host = facts.settings.ports;
    for (PortRange run = plan.listen.next_run(0); !run.empty(); run = plan.listen.next_run(run.high + 1U)) {
        const PortRange both = intersection(run, host.range);
        for (std::uint32_t port = both.low; port <= both.high && !both.empty(); ++port) {
            const auto one = static_cast<std::uint16_t>(port);
            common.insert(host.gives(one) ? PortRange{one, one} : PortRange{});
        }
    }
    if (!plan.listen_given || common.empty()) {
        return;
    }
    const std::string move = plan.ephemeral_given && plan.listen.first_common(plan.ephemeral) == 0
                                 ? "# or: " + sysctl_command(facts, range_setting(plan.ephemeral))
                                 : move_range_command(facts, plan);
    findings.push_back({"overlap",
                        Severity::warning,
                        counted(common.count({1, 65535}), "listen port") + " inside the kernel's range " +
                            text_of(host.range) + ".",
                        "The kernel gives them to outgoing connections of every program that is not "
                        "started by `portguard run`.",
                        move,
                        text_of(common),
                        {},
                        common});
}

void ephemeral_elsewhere(const HostFacts& facts, const PortPlan& plan, std::vector<Finding>& findings) {
    const PortRange host = facts.settings.ports.range;
    if (!plan.ephemeral_given || host.empty() || !intersection(plan.ephemeral, host).empty()) {
        return;
    }
    findings.push_back({"ephemeral-outside-kernel-range",
                        Severity::warning,
                        "The plan's ephemeral range " + text_of(plan.ephemeral) + " and the kernel's range " +
                            text_of(host) + " have no port in common.",
                        "The kernel ignores IP_LOCAL_PORT_RANGE where the two do not meet; `portguard run` "
                        "then falls back to an explicit bind, which is slower and gives each port once.",
                        sysctl_command(facts, range_setting(plan.ephemeral)),
                        text_of(plan.ephemeral),
                        {}});
}

constexpr std::array<Check, 5> checks{listeners_in_range, overlap, ephemeral_elsewhere, plan_ports_held,
                                      udp_in_range};

} // namespace

std::span<const Check> checks_of_sockets() {
    return checks;
}

} // namespace portguard::tools
