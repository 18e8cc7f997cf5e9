// Whose the sockets are: the part of the facts that /proc has, for several network namespaces at once.
#include <algorithm>
#include <iterator>

#include "kernel/pidfd.h"
#include "tools/check/groups.h"
#include "tools/check/host_facts.h"
#include "tools/common/port_text.h"

namespace portguard::tools {
namespace {

/// A node that is a container itself (kind) has a cluster of its own. Of one whose network is unknown nothing
/// is said.
void add_cluster(std::span<HostFacts> namespaces) {
    const std::vector<ClusterComponent> all = find_cluster_components();
    for (HostFacts& facts : namespaces) {
        std::vector<ClusterComponent> here;
        std::copy_if(all.begin(), all.end(), std::back_inserter(here),
                     [&](const ClusterComponent& component) { return component.netns == facts.netns; });
        facts.cluster = ports_of(here);
        for (const ClusterComponent& component : here) {
            ProcessInfo& process = facts.processes[component.pid];
            process = read_process(component.pid, Syscalls{}).value_or(ProcessInfo{});
            process.pid = component.pid;
        }
    }
    for (const ClusterComponent& component : all) {
        if (!component.netns.has_value()) {
            namespaces.front().missing.push_back("the ports of " + component.program + "[" +
                                                 std::to_string(component.pid) +
                                                 "] (which network it is in only root may see)");
        }
    }
}

bool is_udp_server(const SocketFact& fact) {
    return fact.socket.state == SocketState::unconnected && !fact.socket.local.is_loopback();
}

void add_outside(const HostFacts& host, HostFacts& facts) {
    OutsidePorts outside;
    for (const SocketFact& fact : host.sockets) {
        if (is_udp_server(fact)) {
            outside.udp[fact.socket.local.port];
        }
    }
    for (const ClusterPort& port : host.cluster) {
        if (port.is_node_ports) {
            outside.node_ports.push_back(port);
        }
    }
    facts.outside = std::move(outside);
}

/// A port that the kernel chose is a client's, unless the kernel itself has it, as for a tunnel.
void name_outside(const HostFacts& host, OutsidePorts& outside) {
    for (const SocketFact& fact : host.sockets) {
        const auto pids = pids_of(host, fact.socket);
        const std::uint16_t port = fact.socket.local.port;
        const bool is_of_kernel = pids.empty() && host.sees_every_process;
        if (is_udp_server(fact) && (is_of_kernel || !host.settings.ports.range.contains(port))) {
            outside.udp[port] = who_has(host, fact.socket, pids);
        }
    }
    std::erase_if(outside.udp, [](const auto& entry) { return entry.second.empty(); });
}

/// Ports whose connections the findings name with their process.
PortSet told_ports(const FactsWish& wish, const HostFacts& facts) {
    PortSet ports = wish.listen;
    const auto add_node_ports = [&](const std::vector<ClusterPort>& cluster) {
        for (const ClusterPort& entry : cluster) {
            ports.insert(entry.is_node_ports ? entry.ports : PortRange{});
        }
    };
    add_node_ports(facts.cluster);
    if (facts.outside.has_value()) {
        add_node_ports(facts.outside->node_ports);
        for (const auto& [port, who] : facts.outside->udp) {
            ports.insert({port, port});
        }
    }
    return ports;
}

/// Whose process the findings may name.
bool is_told_with_process(const SocketFact& fact, const PortSet& told, const FactsWish& wish) {
    return fact.socket.inode != 0 &&
           (fact.role == Role::listener || fact.role == Role::bound ||
            (told.contains(fact.socket.local.port) && !(wish.thrifty && fact.role == Role::accepted)));
}

template <typename Value>
void add_once(Value value, std::vector<Value>& values) {
    if (std::find(values.begin(), values.end(), value) == values.end()) {
        values.push_back(value);
    }
}

/// The sockets whose owners are looked for, and where to look first.
struct Wanted {
    std::vector<std::uint32_t> inodes;
    OwnerHints hints;
};

Wanted wanted_of(const FactsWish& wish, const HostFacts& facts) {
    const PortSet told = told_ports(wish, facts);
    Wanted wanted;
    for (const SocketFact& fact : facts.sockets) {
        if (!is_told_with_process(fact, told, wish)) {
            continue;
        }
        wanted.inodes.push_back(fact.socket.inode);
        if (wish.thrifty) {
            add_once(fact.socket.uid, wanted.hints.uids);
            if (fact.socket.cgroup != 0) {
                add_once(fact.socket.cgroup, wanted.hints.cgroups);
            }
        }
    }
    std::sort(wanted.inodes.begin(), wanted.inodes.end());
    if (wish.thrifty) {
        wanted.hints.most_others = 0;
        wanted.hints.whole_owners = false;
    }
    return wanted;
}

void add_owners(const OwnerSearch& search, const std::vector<std::uint32_t>& inodes, HostFacts& facts) {
    std::copy_if(
        search.owners.begin(), search.owners.end(), std::back_inserter(facts.owners),
        [&](const FdOwner& owner) { return std::binary_search(inodes.begin(), inodes.end(), owner.inode); });
    std::stable_sort(facts.owners.begin(), facts.owners.end(),
                     [](const FdOwner& left, const FdOwner& right) { return left.inode < right.inode; });
    for (const FdOwner& owner : facts.owners) {
        const auto [place, is_new] = facts.processes.try_emplace(owner.pid);
        if (is_new) {
            // One that has gone meanwhile keeps its number.
            place->second = read_process(owner.pid, Syscalls{}).value_or(ProcessInfo{});
            place->second.pid = owner.pid;
        }
    }
    const auto unowned = std::count_if(inodes.begin(), inodes.end(), [&](std::uint32_t inode) {
        DiagSocket socket;
        socket.inode = inode;
        return facts.owners_of(socket).empty();
    });
    facts.sees_every_process = search.error == 0 && !search.cut_short && search.hidden == 0;
    if (search.error != 0 || search.cut_short) {
        facts.missing.emplace_back("the processes (/proc cannot be read)");
    } else if (unowned != 0 && search.hidden != 0) {
        facts.missing.push_back("the processes of " + counted(static_cast<std::size_t>(unowned), "socket") +
                                " of other users (run as root)");
    }
}

void add_flags(HostFacts& facts) {
    std::size_t unread = 0;
    for (const SocketFact& fact : facts.sockets) {
        const auto owners = facts.owners_of(fact.socket);
        if (fact.socket.state != SocketState::listen || owners.empty()) {
            continue;
        }
        const FdOwner& owner = owners.front();
        const ReuseFlags flags = read_reuse_flags(owner.pid, owner.fd, fact.socket.inode, Syscalls{});
        if (flags.reuseaddr.has_value()) {
            facts.reuseaddr[fact.socket.inode] = *flags.reuseaddr;
        } else {
            ++unread;
        }
    }
    if (unread != 0) {
        facts.missing.push_back("SO_REUSEADDR of " + counted(unread, "listener") +
                                " (reading it takes the right to ptrace; run as root)");
    }
}

} // namespace

void add_processes(const FactsWish& wish, std::span<HostFacts> namespaces) {
    if (wish.cluster) {
        add_cluster(namespaces);
    }
    const HostFacts& host = namespaces.front();
    std::vector<Wanted> wanted;
    std::vector<std::uint32_t> all;
    for (HostFacts& facts : namespaces) {
        // Of a service with a network of its own (PrivateNetwork= of systemd) no packet meets the host's.
        if (&facts != &host && facts.has_way_out) {
            add_outside(host, facts);
        }
        wanted.push_back(wanted_of(wish, facts));
        all.insert(all.end(), wanted.back().inodes.begin(), wanted.back().inodes.end());
    }
    std::sort(all.begin(), all.end());
    const OwnerSearch search = find_owners(all, wanted.front().hints, Deadline(longest_look), Syscalls{});
    for (std::size_t at = 0; at < namespaces.size(); ++at) {
        add_owners(search, wanted[at].inodes, namespaces[at]);
        if (namespaces[at].outside.has_value()) {
            name_outside(host, *namespaces[at].outside);
        }
        if (wish.flags) {
            add_flags(namespaces[at]);
        }
    }
}

} // namespace portguard::tools
