// Sockets of TCP or UDP that could share the port, and do not.
#include <algorithm>
#include <array>

#include "explain/cause_rule.h"
#include "explain/holder_summary.h"
#include "explain/sentence.h"

namespace portguard::causes {
namespace {

std::string verb_of(const Case& c) {
    return c.state() == SocketState::listen ? " listens on " : " has bound ";
}

std::string who_and_where(const Case& c) {
    return who_has(c) + verb_of(c) + describe_local(c.holder->socket);
}

bool is_other_users(const Case& c, EvidenceList& seen) {
    if (!c.has_holder() || yields_to_reuseaddr(c.state()) || c.holder->reuseport != true ||
        c.facts.socket.reuseport != true || !c.facts.socket.uid.has_value() ||
        *c.facts.socket.uid == c.holder->socket.uid) {
        return false;
    }
    seen.that(true, "this socket has SO_REUSEPORT", seen_by::own_options);
    seen.that(true, "uid " + std::to_string(*c.facts.socket.uid) + " made this socket", seen_by::own_file);
    seen.that(true, "uid " + std::to_string(c.holder->socket.uid) + " made the other", seen_by::socket_list);
    return seen.that(true, "the other socket has SO_REUSEPORT", seen_by::borrowed_options);
}

std::string other_users_sentence(const Case& c) {
    return who_and_where(c) + " with SO_REUSEPORT, by a socket of uid " +
           std::to_string(c.holder->socket.uid) + ", and this one is of uid " +
           std::to_string(*c.facts.socket.uid) +
           ": SO_REUSEPORT shares a port only among sockets of one user";
}

void cure_other_users(const Case& c, CureList& list) {
    list.stop_owner();
    const bool may_be_own = c.is_own() || c.facts.is_self_hidden;
    list.lasting(may_be_own ? "make both sockets as one user, before the process changes it"
                            : "run both as the same user");
}

/// Two families, and the IPv6 one takes IPv4 as well.
bool is_across_families(const Case& c, EvidenceList& seen) {
    if (!c.has_holder() || yields_to_reuseaddr(c.state()) || c.holder->socket.is_hold() ||
        c.facts.event.call == Call::listen ||
        c.facts.socket.address.endpoint.family == c.holder->socket.local.family) {
        return false;
    }
    const bool asked_ipv6 = c.facts.socket.address.endpoint.family == Family::ipv6;
    return asked_ipv6 ? seen.that(!c.facts.socket.address.v6only, "this socket has no IPV6_V6ONLY",
                                  seen_by::own_options) &&
                            seen.that(true, who_and_where(c), seen_by::socket_list)
                      : seen.that(c.holder->socket.v6only == false || c.is_udp(),
                                  who_and_where(c) + " without IPV6_V6ONLY", seen_by::socket_list);
}

std::string across_families_sentence(const Case& c) {
    const bool asked_ipv6 = c.facts.socket.address.endpoint.family == Family::ipv6;
    return asked_ipv6 ? who_and_where(c) + ", and " + address_words(c.facts.socket.address.endpoint) +
                            " without IPV6_V6ONLY takes the IPv4 port as well"
                      : who_and_where(c) + " without IPV6_V6ONLY, which takes the IPv4 port as well";
}

void cure_across_families(const Case& c, CureList& list) {
    list.stop_owner();
    list.lasting("IPV6_V6ONLY on the IPv6 socket before bind (nginx: ipv6only=on; Python: "
                 "create_server(dualstack_ipv6=False))");
    if (c.is_own()) {
        list.lasting("or only the [::] socket, and none for IPv4");
    } else {
        list.another_port("or one of the two on another port");
    }
}

bool is_udp_holder(const Case& c, EvidenceList& seen) {
    return c.has_holder() && c.is_udp() && seen.that(true, who_and_where(c), seen_by::socket_list);
}

std::string udp_flags(const Case& c) {
    const AskedSocket& asked = c.facts.socket;
    const Holder& holder = *c.holder;
    if (asked.reuseport == true && holder.reuseport != true) {
        return holder.reuseport == false ? "; its socket has no SO_REUSEPORT, which both need"
                                         : unread_reuseport_words(c);
    }
    if (asked.reuseaddr == true && holder.reuseaddr == false) {
        return "; its socket has no SO_REUSEADDR, which both need";
    }
    if (asked.reuseaddr == false && asked.reuseport == false) {
        return "; this socket has neither SO_REUSEADDR nor SO_REUSEPORT, one of which both would need";
    }
    return "";
}

std::string udp_sentence(const Case& c) {
    const DiagSocket& socket = c.holder->socket;
    std::string text =
        socket.remote.port == 0
            ? who_has(c) + " has the UDP port, on " + describe_local(socket)
            : who_has(c) + " has the UDP port for its traffic with " + address_words(socket.remote);
    return text + udp_flags(c);
}

/// Where programs share a port to answer multicast on it: mDNS (RFC 6762, 15.1), LLMNR, SSDP, WS-Discovery.
void share_by_reuseaddr(const Case& c, CureList& list) {
    constexpr std::array<std::uint16_t, 4> multicast_ports{5353, 5355, 1900, 3702};
    const std::uint16_t port = c.facts.event.asked.port;
    const auto& holders = c.facts.holders.holders;
    const bool all_share = std::all_of(holders.begin(), holders.end(),
                                       [](const Holder& holder) { return holder.reuseaddr == true; });
    const bool is_usual =
        std::find(multicast_ports.begin(), multicast_ports.end(), port) != multicast_ports.end();
    if (is_usual && all_share && c.facts.socket.reuseaddr == false) {
        list.lasting("SO_REUSEADDR before bind, which the other socket has: multicast then reaches both, any "
                     "other datagram one of them");
    }
}

void cure_udp(const Case& c, CureList& list) {
    if (c.is_own()) {
        list.lasting("close the other socket first, or bind once");
        return;
    }
    list.stop_owner();
    share_by_reuseaddr(c, list);
    list.another_port("one of the two on another port", " or address");
}

} // namespace

const CauseRule reuseport_other_user{is_other_users, other_users_sentence, cure_other_users};
const CauseRule ipv6_wildcard{is_across_families, across_families_sentence, cure_across_families};
const CauseRule udp_holder{is_udp_holder, udp_sentence, cure_udp};

} // namespace portguard::causes
