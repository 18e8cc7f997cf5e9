// Servers as such: will they start again, and whose are they?
#include <algorithm>
#include <array>

#include "tools/check/finding.h"
#include "tools/check/groups.h"

namespace portguard::tools {
namespace {

void without_reuseaddr(const HostFacts& facts, const PortPlan&, std::vector<Finding>& findings) {
    const auto groups = grouped(facts, [&](const SocketFact& fact) {
        const auto flag = facts.reuseaddr.find(fact.socket.inode);
        return fact.socket.state == SocketState::listen && flag != facts.reuseaddr.end() && !flag->second;
    });
    for (const Group& group : groups) {
        findings.push_back(
            {"listener-without-reuseaddr", Severity::warning,
             group.who + " listens on " + ports_in_words(group.ports) + " without SO_REUSEADDR.",
             "Its connections, and their 60 s of TIME_WAIT, will keep it from starting again "
             "(EADDRINUSE), even if the next start sets the option: accepted connections have what "
             "the listener had.",
             facts.as_user + "portguard rescue --listener " + std::to_string(*group.ports.begin()) +
                 "\n# for good: start it with `portguard run`, or set SO_REUSEADDR before its bind\n",
             text_of(group.ports), group.pids});
    }
}

bool is_left_behind(const HostFacts& facts, const DiagSocket& socket) {
    const auto owners = facts.owners_of(socket);
    return !owners.empty() && std::all_of(owners.begin(), owners.end(), [&](const FdOwner& owner) {
        const auto process = facts.processes.find(owner.pid);
        return process != facts.processes.end() && process->second.left_behind;
    });
}

void of_orphans(const HostFacts& facts, const PortPlan&, std::vector<Finding>& findings) {
    const auto groups = grouped(facts, [&](const SocketFact& fact) {
        return fact.socket.state == SocketState::listen && is_left_behind(facts, fact.socket);
    });
    for (const Group& group : groups) {
        findings.push_back({"listener-of-orphan", Severity::warning,
                            group.who + " listens on " + ports_in_words(group.ports) +
                                " and has outlived the process that started it.",
                            "A child that inherited a listening socket keeps the port after its server has "
                            "gone; who started it no longer looks after it.",
                            "ps -o pid,ppid,pgid,lstart,args -p " + std::to_string(group.pids.front()) + "\n",
                            text_of(group.ports), group.pids});
    }
}

constexpr std::array<Check, 2> checks{without_reuseaddr, of_orphans};

} // namespace

std::span<const Check> checks_of_servers() {
    return checks;
}

} // namespace portguard::tools
