// Ports that two programs listen on at once, which fails for neither of them.
#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "tools/check/finding.h"
#include "tools/check/groups.h"

namespace portguard::tools {
namespace {

using Place = std::tuple<Protocol, std::uint16_t, Family, std::array<std::uint8_t, 16>, std::uint32_t>;

/// Sockets that have the very same address: the kernel lets only those with SO_REUSEPORT, or of UDP with
/// SO_REUSEADDR, be there together.
std::map<Place, std::vector<const SocketFact*>> listeners_by_place(const HostFacts& facts) {
    std::map<Place, std::vector<const SocketFact*>> places;
    for (const SocketFact& fact : facts.sockets) {
        const DiagSocket& socket = fact.socket;
        if (fact.role == Role::listener && !facts.owners_of(socket).empty()) {
            places[{socket.protocol, socket.local.port, socket.local.family, socket.local.address,
                    socket.device}]
                .push_back(&fact);
        }
    }
    return places;
}

bool is_among(const std::vector<Ancestor>& ancestors, pid_t pid) {
    return std::any_of(ancestors.begin(), ancestors.end(),
                       [pid](const Ancestor& ancestor) { return ancestor.pid == pid; });
}

/// Whoever starts programs that have nothing to do with each other.
bool is_shell(std::string_view comm) {
    constexpr std::array<std::string_view, 6> shells{"sh", "bash", "dash", "zsh", "ksh", "fish"};
    return std::find(shells.begin(), shells.end(), comm) != shells.end();
}

/// Workers of one server: one has started the other, or one process, no shell, has started both alike.
bool are_of_one_server(const ProcessInfo& one, const ProcessInfo& other) {
    if (one.pid == other.pid || is_among(one.ancestors, other.pid) || is_among(other.ancestors, one.pid)) {
        return true;
    }
    if (one.ancestors.empty() || other.ancestors.empty()) {
        return false;
    }
    const Ancestor& parent = one.ancestors.front();
    return one.comm == other.comm && parent.pid == other.ancestors.front().pid && parent.pid > 1 &&
           !is_shell(parent.comm);
}

const ProcessInfo* owner_of(const HostFacts& facts, const SocketFact& fact) {
    const auto process = facts.processes.find(facts.owners_of(fact.socket).front().pid);
    return process == facts.processes.end() ? nullptr : &process->second;
}

/// The first two that are of different servers; nothing: there are none.
std::vector<const SocketFact*> strangers(const HostFacts& facts,
                                         const std::vector<const SocketFact*>& sharing) {
    const ProcessInfo* const first = owner_of(facts, *sharing.front());
    for (const SocketFact* const other : sharing) {
        const ProcessInfo* const process = owner_of(facts, *other);
        if (first != nullptr && process != nullptr && !are_of_one_server(*first, *process)) {
            return {sharing.front(), other};
        }
    }
    return {};
}

void shared_ports(const HostFacts& facts, const PortPlan&, std::vector<Finding>& findings) {
    for (const auto& [place, sharing] : listeners_by_place(facts)) {
        const auto pair = strangers(facts, sharing);
        if (pair.empty()) {
            continue;
        }
        const bool is_udp = std::get<Protocol>(place) == Protocol::udp;
        const std::string port = std::to_string(std::get<1>(place));
        const auto name = [&](const SocketFact& fact) {
            return who_has(facts, fact.socket, pids_of(facts, fact.socket));
        };
        std::vector<pid_t> pids = pids_of(facts, pair[0]->socket);
        for (const pid_t pid : pids_of(facts, pair[1]->socket)) {
            pids.push_back(pid);
        }
        findings.push_back(
            {"shared-port", is_udp ? Severity::note : Severity::warning,
             name(*pair[0]) + " and " + name(*pair[1]) + " share " + (is_udp ? "UDP" : "TCP") + " port " +
                 port + ".",
             is_udp
                 ? "Each datagram goes to one of them, unless it is sent to a multicast group that both "
                   "are members of."
                 : "Both have SO_REUSEPORT and are of one user, so neither start failed; the kernel divides "
                   "the connections between them.",
             facts.as_user + "ss -H" + (is_udp ? "u" : "t") + "lnp sport = :" + port + "\n", port,
             std::move(pids)});
    }
}

constexpr std::array<Check, 1> checks{shared_ports};

} // namespace

std::span<const Check> checks_of_sharing() {
    return checks;
}

} // namespace portguard::tools
