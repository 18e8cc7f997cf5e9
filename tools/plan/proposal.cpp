#include "tools/plan/proposal.h"

#include <algorithm>

#include "tools/check/groups.h"
#include "tools/common/output.h"
#include "tools/common/port_text.h"

namespace portguard::tools {
namespace {

constexpr std::size_t width = 80;

/// UDP inside the range may be a client's: pinning it would cut the range at random places.
bool is_server(const SocketFact& fact, const HostPorts& host) {
    const bool is_udp = fact.socket.protocol == Protocol::udp;
    return (fact.role == Role::listener && !(is_udp && host.gives(fact.socket.local.port))) ||
           fact.socket.is_hold();
}

void pin(Proposal& proposal, const PortSet& ports, bool is_tcp, const std::string& because) {
    proposal.pins.push_back({text_of(ports), because});
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
                 std::uint32_t least) {
    Proposal proposal;
    proposal.host = facts.settings.ports;
    proposal.missing = facts.missing;
    pin_listeners(proposal, facts);
    tell_unpinned_udp(proposal, facts);
    for (const NamedPort& entry : list) {
        PortSet ports;
        ports.insert(entry.ports);
        pin(proposal, ports, entry.protocol == Protocol::tcp,
            shown(entry.name) + " (" + entry.place + ", " + std::string(protocol_name(entry.protocol)) + ")");
    }
    if (config.has_listen) {
        pin(proposal, config.listen, true, "listen");
    }
    proposal.split = propose_split({proposal.listen, bounds_of(facts, config), proposal.host.reserved, least,
                                    !config.ephemeral.empty()});
    return proposal;
}

std::string text_report(const Proposal& proposal, const std::vector<Duplicate>& duplicates,
                        const std::string& as_root) {
    std::string text;
    for (const Pin& entry : proposal.pins) {
        text += wrapped(entry.because + ": " + entry.ports, "", width);
    }
    text += text.empty() ? "" : "\n";
    for (const Duplicate& duplicate : duplicates) {
        text += wrapped("duplicate: " + describe(duplicate), "", width);
    }
    const Split& split = proposal.split;
    if (split.ephemeral.empty()) {
        return text + wrapped("impossible: " + split.obstacle, "", width);
    }
    text += "listen     " + (proposal.listen.empty() ? std::string("none") : text_of(proposal.listen)) + "\n";
    text += "ephemeral  " + text_of(split.ephemeral) + " (" + counted(split.ports, "port") + ", now " +
            text_of(proposal.host.range) + ")\n";
    text += "reserved   " + (split.reserved.empty() ? std::string("none") : text_of(split.reserved)) + "\n";
    if (split.needs_reserved) {
        text += wrapped("Listeners stand too far apart for a range between them: the range goes around "
                        "them, and only the reserved ports keep connections off.",
                        "", width);
    }
    text += split.remark.empty() ? "" : wrapped(split.remark + ".", "", width);
    text += "\nto have it, end the same command with\n  --to=sysctl | " + as_root +
            "tee /etc/sysctl.d/60-portguard.conf\nand then\n  " + as_root +
            "sysctl -p /etc/sysctl.d/60-portguard.conf\n";
    for (const std::string& clause : proposal.missing) {
        text += wrapped("left out: " + clause, "", width);
    }
    return text;
}

} // namespace portguard::tools
