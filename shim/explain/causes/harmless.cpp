// What fails in runs where nothing is wrong.
#include "explain/cause_rule.h"
#include "explain/holder_summary.h"
#include "explain/sentence.h"

namespace portguard::causes {
namespace {

bool is_port_of_own_client(const Case& c, EvidenceList& seen) {
    return c.has_holder() && yields_to_reuseaddr(c.state()) &&
           seen.that(c.facts.serves_client_on_port,
                     "this process has accepted a connection whose client has port " +
                         std::to_string(c.facts.event.asked.port),
                     seen_by::descriptors);
}

std::string port_of_own_client_sentence(const Case& c) {
    return "the port is that of a client of this process, and is taken by " +
           describe_addresses(c.holder->socket) + " " + std::string(state_name(c.state()));
}

/// Who connects to the IPv4 address that was asked for reaches this process by its own [::], which listens
/// already. What is only bound might never listen.
bool is_covered(const Case& c, EvidenceList& seen) {
    if (!c.has_holder() || !c.is(EventKind::in_use) || c.facts.event.call != Call::bind || !c.is_own()) {
        return false;
    }
    const AskedAddress& asked = c.facts.socket.address;
    const DiagSocket& own = c.holder->socket;
    const bool serves = own.state == SocketState::listen || own.state == SocketState::unconnected;
    return serves && asked.endpoint.family == Family::ipv4 && own.local.family == Family::ipv6 &&
           own.local.is_wildcard() && (own.device == 0 || own.device == asked.device) &&
           seen.that(own.v6only == false, who_listens(c) + " without IPV6_V6ONLY", seen_by::socket_list);
}

std::string covered_sentence(const Case& c) {
    return "this process listens there already: fd " + std::to_string(c.holder->owners.front().fd) + ", " +
           describe_local(c.holder->socket) + " without IPV6_V6ONLY, takes IPv4 as well";
}

} // namespace

const CauseRule port_of_own_client{
    is_port_of_own_client,
    port_of_own_client_sentence,
    [](const Case&, CureList& list) { list.lasting("a port of its own for each outgoing connection"); },
};

const CauseRule covered_by_own_listener{
    is_covered,
    covered_sentence,
    [](const Case&, CureList& list) {
        list.lasting("IPV6_V6ONLY on the IPv6 socket, or no IPv4 socket beside it");
    },
};

/// No port has to do with it, whatever EADDRINUSE looks like.
const CauseRule group_joined_already{
    [](const Case& c, EvidenceList& seen) {
        return c.is(EventKind::joined) &&
               seen.that(true, "setsockopt to join the group said EADDRINUSE", seen_by::call);
    },
    [](const Case&) {
        return std::string("this socket is a member of that multicast group already; no port is in use");
    },
    [](const Case&, CureList& list) {
        list.lasting("join once on each socket, or take that errno for success");
    },
};

} // namespace portguard::causes
