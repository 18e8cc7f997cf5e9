#include "explain/direction.h"

#include "explain/holder_summary.h"
#include "explain/sentence.h"

namespace portguard {
namespace {

DirectionJudgement by(Direction direction, std::string fact, std::string_view source) {
    return {direction, {{std::move(fact), std::string(source)}}};
}

bool is_port_listened_on(const Case& c) {
    return c.facts.ports_listened_on.contains(c.holder->socket.local.port);
}

/// A connection that a listener accepted on this port tells what the port was used for.
bool is_sibling_accepted(const Facts& facts) {
    for (const HolderFacts& about : facts.about) {
        if (about.opener == Opener::peer) {
            return true;
        }
    }
    return false;
}

DirectionJudgement by_ports(const Case& c) {
    const PortRange range = c.facts.host.ports.range;
    const DiagSocket& socket = c.holder->socket;
    const bool own_inside = range.contains(socket.local.port);
    const bool peer_inside = range.contains(socket.remote.port);
    DirectionJudgement judgement;
    if (own_inside != peer_inside) {
        judgement.direction = own_inside ? Direction::likely_outgoing : Direction::likely_accepted;
    }
    judgement.evidence.push_back({std::string("its own port lies ") + (own_inside ? "inside" : "outside") +
                                      " ip_local_port_range (" + range_text(range) + "), its peer's port " +
                                      (peer_inside ? "inside" : "outside"),
                                  std::string(seen_by::range)});
    judgement.evidence.push_back(
        {"no socket of this network listens on either port", std::string(seen_by::socket_list)});
    return judgement;
}

} // namespace

DirectionJudgement judge_direction(const Case& c) {
    const DiagSocket& socket = c.holder->socket;
    if (const auto& taken = c.facts.about_decisive().taken; taken.has_value() && taken->is_of_socket) {
        // That one listened before says nothing against a connect that was seen.
        if (taken->call == Call::connect) {
            return by(Direction::outgoing, "it was remembered: " + describe(*taken), seen_by::ring);
        }
    }
    switch (c.facts.about_decisive().opener) {
    case Opener::this_side:
        return by(Direction::outgoing,
                  "its side sent the first SYN: one byte more was acknowledged than sent", seen_by::tcp_info);
    case Opener::peer:
        return by(Direction::accepted, "its peer sent the first SYN: as many bytes were acknowledged as sent",
                  seen_by::tcp_info);
    case Opener::unknown: break;
    }
    if (socket.state == SocketState::syn_sent) {
        return by(Direction::outgoing, "its SYN is not answered yet", seen_by::socket_list);
    }
    if (is_port_listened_on(c)) {
        return by(Direction::accepted, "a socket listens on port " + std::to_string(socket.local.port),
                  seen_by::socket_list);
    }
    if (c.facts.peer_listens) {
        return by(Direction::outgoing,
                  "a socket of this network listens on " + address_words(socket.remote) +
                      " and none on port " + std::to_string(socket.local.port),
                  seen_by::socket_list);
    }
    if (is_sibling_accepted(c.facts)) {
        return by(Direction::accepted,
                  "another connection of port " + std::to_string(socket.local.port) + " was accepted",
                  seen_by::tcp_info);
    }
    return by_ports(c);
}

} // namespace portguard
