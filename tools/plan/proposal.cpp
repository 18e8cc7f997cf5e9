#include "tools/plan/proposal.h"

#include <algorithm>

#include "tools/check/groups.h"
#include "tools/common/output.h"
#include "tools/common/port_text.h"

namespace portguard::tools {
namespace {

/// UDP inside the range may be a client's: pinning it would cut the range at random places.
bool is_server(const SocketFact& fact, const HostPorts& host) {
    const bool is_udp = fact.socket.protocol == Protocol::udp;
    return (fact.role == Role::listener && !(is_udp && host.gives(fact.socket.local.port))) ||
           fact.socket.is_hold();
}

void pin(Proposal& proposal, const PortSet& ports, bool is_tcp, const std::string& because) {
    proposal.pins.push_back({text_of(ports), because, false});
    proposal.listen.insert(ports);
    if (is_tcp) {
        proposal.tcp.insert(ports);
    }
}

void pin_listeners(Proposal& proposal, const HostFacts& facts) {
    for (const Protocol protocol : {Protocol::tcp, Protocol::udp}) {
        const auto groups = grouped(facts, [&](const SocketFact& fact) {
            return fact.socket.protocol == protocol && is_server(fact, proposal.host);
        });
        for (const Group& group : groups) {
            pin(proposal, set_of(group.ports), protocol == Protocol::tcp,
                group.who + " listens (" + std::string(protocol_name(protocol)) + ")");
        }
    }
}

void tell_unpinned_udp(Proposal& proposal, const HostFacts& facts) {
    const auto groups = grouped(facts, [&](const SocketFact& fact) {
        return fact.socket.state == SocketState::unconnected && !is_server(fact, proposal.host);
    });
    if (!groups.empty()) {
        proposal.missing.push_back("UDP on " + text_of(set_of(groups)) +
                                   ", which may be clients' (list those that are servers')");
    }
}

/// ip_local_port_range may not begin below ip_unprivileged_port_start; below 1024 are the well-known ports.
PortRange bounds_of(const HostFacts& facts, const Config& config) {
    if (!config.ephemeral.empty()) {
        return config.ephemeral;
    }
    return {std::max<std::uint16_t>(facts.settings.unprivileged_port_start.value_or(0), 1024), 65535};
}

} // namespace

Proposal propose(const HostFacts& facts, const std::vector<NamedPort>& list, const Config& config,
                 const PlanWish& wish) {
    Proposal proposal;
    proposal.host = facts.settings.ports;
    proposal.missing = facts.missing;
    if (!wish.only_declared) {
        pin_listeners(proposal, facts);
        tell_unpinned_udp(proposal, facts);
    }
    for (const NamedPort& entry : list) {
        PortSet ports;
        ports.insert(entry.ports);
        pin(proposal, ports, entry.protocol == Protocol::tcp,
            shown(entry.name) + " (" + entry.place + ", " + std::string(protocol_name(entry.protocol)) + ")");
        proposal.pins.back().is_of_list = true;
    }
    if (config.has_listen) {
        pin(proposal, config.listen, true, "listen");
    }
    proposal.split = propose_split({proposal.listen, bounds_of(facts, config), proposal.host.reserved,
                                    wish.least, !config.ephemeral.empty()});
    const Split kept = keep_range(proposal.listen, proposal.host);
    proposal.keeps_range = wish.keep_range;
    if (wish.keep_range) {
        proposal.split = kept;
    } else if (kept.needs_reserved && !kept.ephemeral.empty() && config.ephemeral.empty()) {
        proposal.alternative = kept;
    }
    proposal.connections = static_cast<std::size_t>(
        std::count_if(facts.sockets.begin(), facts.sockets.end(), [](const SocketFact& fact) {
            return fact.role == Role::outgoing && fact.socket.protocol != Protocol::udp;
        }));
    return proposal;
}

bool is_tight(const Proposal& proposal) {
    return proposal.connections * 2 > proposal.split.ports;
}

bool has_same_reserved(const Proposal& proposal) {
    return text_of(proposal.split.reserved) == text_of(proposal.host.reserved);
}

bool is_in_force(const Proposal& proposal) {
    return proposal.split.ephemeral == proposal.host.range && has_same_reserved(proposal);
}

} // namespace portguard::tools
