#include "tools/check/groups.h"

#include <algorithm>
#include <map>

#include "tools/common/output.h"
#include "tools/common/port_text.h"

namespace portguard::tools {
namespace {

/// A longer list of ports does not belong into a sentence.
constexpr std::size_t longest_list = 60;

} // namespace

std::vector<pid_t> pids_of(const HostFacts& facts, const DiagSocket& socket) {
    std::vector<pid_t> pids;
    for (const FdOwner& owner : facts.owners_of(socket)) {
        if (std::find(pids.begin(), pids.end(), owner.pid) == pids.end()) {
            pids.push_back(owner.pid);
        }
    }
    return pids;
}

std::string who_has(const HostFacts& facts, const DiagSocket& socket, const std::vector<pid_t>& pids) {
    if (pids.empty() && socket.inode == 0) {
        return "the kernel";
    }
    if (pids.empty()) {
        return facts.sees_every_process
                   ? "the kernel (as for NFS, VXLAN and WireGuard) or a process of another pid namespace"
                   : "a process of uid " + std::to_string(socket.uid) + " that cannot be seen from here";
    }
    const auto process = facts.processes.find(pids.front());
    std::string text = process == facts.processes.end() ? "" : shown(process->second.comm);
    text.append("[").append(std::to_string(pids.front())).append("]");
    return pids.size() == 1 ? text : text + " and " + std::to_string(pids.size() - 1) + " more";
}

std::vector<Group> grouped(const HostFacts& facts, const std::function<bool(const SocketFact&)>& wanted) {
    std::map<std::string, Group> groups;
    for (const SocketFact& fact : facts.sockets) {
        if (!wanted(fact)) {
            continue;
        }
        auto pids = pids_of(facts, fact.socket);
        Group& group = groups[who_has(facts, fact.socket, pids)];
        group.pids = std::move(pids);
        group.ports.insert(fact.socket.local.port);
        ++group.sockets;
    }
    std::vector<Group> result;
    for (auto& [who, group] : groups) {
        group.who = who;
        result.push_back(std::move(group));
    }
    return result;
}

PortSet set_of(const std::set<std::uint16_t>& ports) {
    PortSet set;
    for (const std::uint16_t port : ports) {
        set.insert({port, port});
    }
    return set;
}

PortSet set_of(const std::vector<Group>& groups) {
    PortSet set;
    for (const Group& group : groups) {
        for (const std::uint16_t port : group.ports) {
            set.insert({port, port});
        }
    }
    return set;
}

std::string text_of(const std::set<std::uint16_t>& ports) {
    return text_of(set_of(ports));
}

std::string ports_in_words(const std::set<std::uint16_t>& ports) {
    const std::string list = text_of(ports);
    if (list.size() > longest_list) {
        return std::to_string(ports.size()) + " ports from " + std::to_string(*ports.begin()) + " to " +
               std::to_string(*ports.rbegin());
    }
    return (ports.size() == 1 ? "port " : "ports ") + list;
}

std::string sysctl_command(const HostFacts& facts, const std::string& setting) {
    return facts.as_root + "sysctl -w " + setting + "\n";
}

} // namespace portguard::tools
