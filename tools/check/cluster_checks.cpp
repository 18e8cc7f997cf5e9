// Ports that Kubernetes has on this host, against what the kernel gives.
#include <algorithm>
#include <array>

#include "explain/known_defaults.h"
#include "tools/check/finding.h"
#include "tools/check/groups.h"
#include "tools/common/port_text.h"

namespace portguard::tools {
namespace {

constexpr std::string_view no_socket =
    "A NodePort is served by packet filter or eBPF, without a socket that would "
    "keep others off the port.";

PortSet given_ports(const HostFacts& facts, PortRange range) {
    PortSet given;
    for (std::uint32_t number = range.low; number <= range.high && !range.empty(); ++number) {
        const auto port = static_cast<std::uint16_t>(number);
        given.insert(facts.settings.ports.gives(port) ? PortRange{port, port} : PortRange{});
    }
    return given;
}

/// Of those that the kernel gives: that somebody listens there now is another finding.
PortSet given_and_free(const HostFacts& facts, PortRange range) {
    PortSet listened;
    for (const SocketFact& fact : facts.sockets) {
        if (fact.socket.state == SocketState::listen) {
            listened.insert({fact.socket.local.port, fact.socket.local.port});
        }
    }
    PortSet given;
    const PortSet all = given_ports(facts, range);
    for (PortRange run = all.next_run(0); !run.empty(); run = all.next_run(run.high + 1U)) {
        for (std::uint32_t number = run.low; number <= run.high; ++number) {
            const auto port = static_cast<std::uint16_t>(number);
            given.insert(listened.contains(port) ? PortRange{} : PortRange{port, port});
        }
    }
    return given;
}

void cluster_ports_in_range(const HostFacts& facts, const PortPlan&, std::vector<Finding>& findings) {
    for (const ClusterPort& entry : facts.cluster) {
        const PortSet given = given_and_free(facts, entry.ports);
        if (given.empty()) {
            continue;
        }
        const bool is_default = entry.source == ClusterPort::Source::standard;
        findings.push_back(
            {is_default ? "known-default" : "cluster-port", Severity::warning,
             std::string(entry.name) + " takes " + text_of(entry.ports) + " (" + source_in_words(entry) +
                 "), and the kernel gives " +
                 (given.count({1, 65535}) < entry.ports.size() ? text_of(given)
                  : entry.ports.size() == 1                    ? "it"
                                                               : "them") +
                 " to outgoing connections.",
             entry.is_node_ports ? std::string(no_socket)
                                 : "While it is down, any connection may take the port, and it cannot "
                                   "start again (EADDRINUSE).",
             "", text_of(given), entry.pid == 0 ? std::vector<pid_t>{} : std::vector{entry.pid}, given});
    }
}

void outgoing_on_node_ports(const HostFacts& facts, const PortPlan&, std::vector<Finding>& findings) {
    for (const ClusterPort& entry : facts.cluster) {
        if (!entry.is_node_ports) {
            continue;
        }
        const auto groups = grouped(facts, [&](const SocketFact& fact) {
            return fact.role == Role::outgoing && fact.socket.state != SocketState::time_wait &&
                   !fact.socket.local.is_loopback() && entry.ports.contains(fact.socket.local.port);
        });
        for (const Group& group : groups) {
            findings.push_back(
                {"outgoing-in-node-port-range", Severity::warning,
                 group.who + " has " + counted(group.sockets, "outgoing connection") + " on " +
                     ports_in_words(group.ports) + ", among the NodePorts " + text_of(entry.ports) + " (" +
                     source_in_words(entry) + ").",
                 "The answers to it go to the service that has the port as its NodePort, where there is "
                 "one: the connection then hangs. " +
                     std::string(no_socket),
                 "", text_of(group.ports), group.pids, given_and_free(facts, entry.ports)});
        }
    }
}

/// Whoever else listens there, with a process that is known: `program` cannot start.
void add_taken(const HostFacts& facts, PortRange ports, std::string_view program, const std::string& whose,
               std::vector<Finding>& findings) {
    constexpr std::size_t longest_comm = 15;
    const auto groups = grouped(facts, [&](const SocketFact& fact) {
        const auto owners = facts.owners_of(fact.socket);
        return fact.socket.state == SocketState::listen && ports.contains(fact.socket.local.port) &&
               !owners.empty() && std::none_of(owners.begin(), owners.end(), [&](const FdOwner& owner) {
                   const auto process = facts.processes.find(owner.pid);
                   return process == facts.processes.end() ||
                          process->second.comm == program.substr(0, longest_comm);
               });
    });
    for (const Group& group : groups) {
        const PortSet given = given_ports(facts, ports);
        Finding finding{
            "node-port-taken", Severity::warning,
            group.who + " listens on " + ports_in_words(group.ports) + ", " + whose + ".",
            "It cannot start as long as that is so (EADDRINUSE). A listener on port 0, as of containerd's "
            "streaming server, is given such a port where the kernel's range has it."};
        finding.ports = text_of(group.ports);
        finding.pids = group.pids;
        finding.reserve = given;
        finding.cured_as = {Protocol::tcp, *group.ports.begin()};
        findings.push_back(std::move(finding));
    }
}

/// https://github.com/awslabs/amazon-eks-ami/pull/2650
void taken_from_nodes(const HostFacts& facts, const PortPlan&, std::vector<Finding>& findings) {
    for (const ClusterPort& entry : facts.cluster) {
        if (!entry.is_node_ports) {
            add_taken(facts, entry.ports, entry.program,
                      "which " + std::string(entry.name) + " takes (" + source_in_words(entry) + ")",
                      findings);
        }
    }
    for (const KnownDefault& entry : known_defaults()) {
        if (entry.is_on_nodes && !facts.cluster.empty()) {
            add_taken(facts, entry.ports, entry.program, "a default of " + std::string(entry.name), findings);
        }
    }
}

constexpr std::array<Check, 3> checks{cluster_ports_in_range, outgoing_on_node_ports, taken_from_nodes};

} // namespace

std::span<const Check> checks_of_cluster() {
    return checks;
}

} // namespace portguard::tools
