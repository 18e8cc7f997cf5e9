// A pod's ports against those of its node: its packets leave with the node's address, as a rule, and keep
// their source port (https://github.com/cilium/cilium/pull/32128,
// https://github.com/projectcalico/calico/pull/13118,
// https://github.com/kubernetes/kubernetes/issues/111682).
#include <algorithm>
#include <array>

#include "tools/check/finding.h"
#include "tools/check/groups.h"
#include "tools/common/port_text.h"

namespace portguard::tools {
namespace {

// Tried with nftables' masquerade on 6.18: a port that the host has bound is kept all the same, and with
// notrack the host's socket had the answer.
constexpr std::string_view udp_met = "Masqueraded, its packets leave with that port of the host. Where the "
                                     "host's port is not tracked, as of a VXLAN "
                                     "tunnel, the answers go to the host; where a proxy of the host binds "
                                     "the same port for the program, as for DNS, "
                                     "that fails.";
constexpr std::string_view node_port_met =
    "Masqueraded, its packets leave with that port of the host. The answers go to the service that has it as "
    "its "
    "NodePort, where there is one and it is looked for before the connection is, as by eBPF.";
constexpr std::string_view in_pod_manifest =
    "# for good, of a pod: the same setting in its securityContext.sysctls\n";

/// It sends, or has sent, from a port that the kernel may have chosen.
bool is_source(const HostFacts& facts, const SocketFact& fact) {
    const DiagSocket& socket = fact.socket;
    const bool is_client = fact.role == Role::outgoing && socket.state != SocketState::time_wait;
    const bool may_send =
        socket.state == SocketState::unconnected && facts.settings.ports.gives(socket.local.port);
    return !socket.local.is_loopback() && (is_client || may_send);
}

PortSet given_of(const HostFacts& facts, const PortSet& ports) {
    PortSet given;
    const PortRange range = facts.settings.ports.range;
    for (PortRange run = ports.next_run(0); !run.empty(); run = ports.next_run(run.high + 1U)) {
        const PortRange both = intersection(run, range);
        for (std::uint32_t number = both.low; number <= both.high && !both.empty(); ++number) {
            const auto port = static_cast<std::uint16_t>(number);
            given.insert(facts.settings.ports.gives(port) ? PortRange{port, port} : PortRange{});
        }
    }
    return given;
}

PortSet set_of(PortRange range) {
    PortSet set;
    set.insert(range);
    return set;
}

PortSet udp_ports(const OutsidePorts& outside) {
    PortSet ports;
    for (const auto& [port, who] : outside.udp) {
        ports.insert({port, port});
    }
    return ports;
}

Finding finding_of(std::string_view id, std::string what, std::string_view why, const std::string& ports,
                   std::vector<pid_t> pids, PortSet reserve) {
    std::string fix(reserve.empty() ? std::string_view{} : in_pod_manifest);
    return {id,    Severity::warning, std::move(what), std::string(why), std::move(fix),
            ports, std::move(pids),   reserve};
}

void meets_udp(const HostFacts& facts, const PortPlan&, std::vector<Finding>& findings) {
    if (!facts.outside.has_value()) {
        return;
    }
    for (const auto& entry : facts.outside->udp) {
        const std::uint16_t port = entry.first;
        const auto groups = grouped(facts, [&](const SocketFact& fact) {
            return fact.socket.protocol == Protocol::udp && fact.socket.local.port == port &&
                   is_source(facts, fact);
        });
        for (const Group& group : groups) {
            findings.push_back(finding_of("pod-port-meets-host-port",
                                          group.who + " sends from UDP port " + std::to_string(port) +
                                              ", which " + entry.second + " has on the host.",
                                          udp_met, std::to_string(port), group.pids,
                                          given_of(facts, udp_ports(*facts.outside))));
        }
    }
}

void meets_node_port(const HostFacts& facts, const PortPlan&, std::vector<Finding>& findings) {
    if (!facts.outside.has_value()) {
        return;
    }
    for (const ClusterPort& entry : facts.outside->node_ports) {
        const auto groups = grouped(facts, [&](const SocketFact& fact) {
            return entry.ports.contains(fact.socket.local.port) && is_source(facts, fact);
        });
        for (const Group& group : groups) {
            findings.push_back(finding_of(
                "pod-port-in-node-port-range",
                group.who + " sends from " + ports_in_words(group.ports) + ", among the NodePorts " +
                    text_of(entry.ports) + " (" + source_in_words(entry) + ").",
                node_port_met, text_of(group.ports), group.pids, given_of(facts, set_of(entry.ports))));
        }
    }
}

/// What may meet them next.
void gives_host_ports(const HostFacts& facts, const PortPlan&, std::vector<Finding>& findings) {
    if (!facts.outside.has_value()) {
        return;
    }
    PortSet given = given_of(facts, udp_ports(*facts.outside));
    std::string whose = given.empty() ? "" : "UDP " + text_of(given);
    for (const ClusterPort& entry : facts.outside->node_ports) {
        const PortSet node_ports = given_of(facts, set_of(entry.ports));
        if (!node_ports.empty()) {
            whose += (whose.empty() ? "" : " and ") + text_of(node_ports) + " of the NodePorts";
            given.insert(node_ports);
        }
    }
    if (!given.empty()) {
        findings.push_back(
            finding_of("host-port-in-range-of-pod",
                       "The kernel gives programs here ports that the host has: " + whose + ".",
                       "Each network namespace has its own net.ipv4.ip_local_port_range, and what is "
                       "reserved on the host is not reserved here.",
                       text_of(given), {}, given));
    }
}

constexpr std::array<Check, 3> checks{meets_udp, meets_node_port, gives_host_ports};

} // namespace

std::span<const Check> checks_of_pods() {
    return checks;
}

} // namespace portguard::tools
