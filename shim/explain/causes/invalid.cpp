// EINVAL, ENODEV and EAFNOSUPPORT: the call itself cannot be, whoever holds the port. In the order of
// inet_bind() and inet6_bind(): what is wrong with the address stands before the state of the socket, which
// is only the reason where the address is in order.
#include "core/text.h"
#include "explain/address_facts.h"
#include "explain/cause_rule.h"
#include "explain/sentence.h"

namespace portguard::causes {
namespace {

const CallFacts* call_of(const Case& c, Call call) {
    return c.is(EventKind::invalid) && c.facts.event.call == call && c.facts.call.has_value() ? &*c.facts.call
                                                                                              : nullptr;
}

const CallFacts* bind_of(const Case& c) {
    return call_of(c, Call::bind);
}

std::string family_name(int family) {
    return family == AF_INET6 ? "IPv6" : "IPv4";
}

std::string asked_address(const Case& c) {
    Text<64> out;
    print_address(c.facts.event.asked, out);
    return std::string(out.view());
}

bool is_of_other_family(const Case& c, EvidenceList& seen) {
    const CallFacts* const call = bind_of(c);
    return call != nullptr && call->socket_family != AF_UNSPEC && call->socket_family != call->family &&
           seen.that(least_length(call->family) != 0, "the address is of " + family_name(call->family),
                     seen_by::call) &&
           seen.that(true, "the socket is of " + family_name(call->socket_family), seen_by::own_options);
}

bool is_too_short(const Case& c, EvidenceList& seen) {
    const CallFacts* const call = bind_of(c);
    return call != nullptr &&
           seen.that(call->length < least_length(call->family),
                     "the length passed is " + std::to_string(call->length), seen_by::call);
}

bool is_multicast_of_stream(const Case& c, EvidenceList& seen) {
    const CallFacts* const call = bind_of(c);
    return call != nullptr && c.facts.event.protocol != Protocol::udp &&
           seen.that(call->is_multicast, asked_address(c) + " is a multicast address", seen_by::call);
}

bool is_mapped_on_v6only(const Case& c, EvidenceList& seen) {
    const CallFacts* const call = bind_of(c);
    return call != nullptr && call->is_mapped &&
           seen.that(c.facts.socket.v6only == true, "this socket has IPV6_V6ONLY", seen_by::own_options);
}

bool is_on_no_interface(const Case& c, EvidenceList& seen) {
    const CallFacts* const call = bind_of(c);
    return call != nullptr && call->scope != 0 &&
           seen.that(!call->scope_exists, "no interface has the index " + std::to_string(call->scope),
                     "if_indextoname(3)");
}

bool is_without_interface(const Case& c, EvidenceList& seen) {
    const CallFacts* const call = bind_of(c);
    return call != nullptr && call->family == AF_INET6 && c.facts.event.asked.is_link_local() &&
           call->scope == 0 &&
           seen.that(c.facts.socket.device == 0, "neither sin6_scope_id nor SO_BINDTODEVICE is set",
                     seen_by::own_options);
}

void cure_without_interface(const Case& c, CureList& list) {
    const std::string& interface = c.facts.call->interface;
    list.lasting(interface.empty()
                     ? "an address that is here, with its interface (`ip -6 address`): fe80::1%eth0"
                     : asked_address(c) + "%" + interface + " in the program's configuration");
}

/// A call on a socket that is connected, or was until its peer ended it.
bool is_on_connected(const Case& c, EvidenceList& seen) {
    const CallFacts* const call =
        c.is(EventKind::invalid) && c.facts.call.has_value() ? &*c.facts.call : nullptr;
    return call != nullptr && call->peer.has_value() &&
           seen.that(true, "this socket is connected to " + address_words(*call->peer), "getpeername(2)");
}

bool is_on_bound(const Case& c, EvidenceList& seen) {
    const CallFacts* const call = bind_of(c);
    return call != nullptr &&
           seen.that(call->own.port != 0, "this socket has " + address_words(call->own), "getsockname(2)");
}

} // namespace

const CauseRule address_of_other_family{
    is_of_other_family,
    [](const Case& c) {
        return "the program passed an " + family_name(c.facts.call->family) + " address for an " +
               family_name(c.facts.call->socket_family) + " socket";
    },
    [](const Case& c, CureList& list) {
        const bool is_ipv4 = c.facts.call->family == AF_INET;
        list.lasting(is_ipv4 ? "an AF_INET socket for it, or the address as ::ffff:" + asked_address(c) +
                                   " on a socket without IPV6_V6ONLY"
                             : "an AF_INET6 socket for it");
    },
};

const CauseRule address_too_short{
    is_too_short,
    [](const Case& c) {
        const CallFacts& call = *c.facts.call;
        return "the program passed " + std::to_string(call.length) + " bytes of an " +
               family_name(call.family) + " address, which has at least " +
               std::to_string(least_length(call.family));
    },
    [](const Case& c, CureList& list) {
        list.lasting(std::string("sizeof(struct ") +
                     (c.facts.call->family == AF_INET6 ? "sockaddr_in6" : "sockaddr_in") +
                     ") as the length that bind is passed");
    },
};

const CauseRule multicast_address{
    is_multicast_of_stream,
    [](const Case& c) { return asked_address(c) + " is a multicast address, and TCP knows none"; },
    [](const Case&, CureList& list) {
        list.lasting("an address of this host; of multicast, a UDP socket that joins the group");
    },
};

const CauseRule mapped_address{
    is_mapped_on_v6only,
    [](const Case& c) { return asked_address(c) + " is an IPv4 address, and this socket has IPV6_V6ONLY"; },
    [](const Case&, CureList& list) { list.lasting("IPV6_V6ONLY off before bind, or an AF_INET socket"); },
};

const CauseRule no_such_interface{
    is_on_no_interface,
    [](const Case& c) {
        return "no interface has the index " + std::to_string(c.facts.call->scope) +
               ", which the program passed as the scope of " + asked_address(c);
    },
    [](const Case& c, CureList& list) {
        const std::string& interface = c.facts.call->interface;
        list.lasting(interface.empty()
                         ? "the name of an interface that is here (`ip link`)"
                         : asked_address(c) + "%" + interface + " in the program's configuration");
    },
};

const CauseRule link_local_without_interface{
    is_without_interface,
    [](const Case& c) {
        return asked_address(c) + " is a link-local address, and the program does not say on which interface";
    },
    cure_without_interface,
};

const CauseRule socket_is_connected{
    is_on_connected,
    [](const Case& c) {
        return "this socket is connected to " + address_words(*c.facts.call->peer) +
               (c.facts.event.call == Call::bind ? ": it has an address already" : ": it cannot listen");
    },
    [](const Case& c, CureList& list) {
        list.lasting(c.facts.event.call == Call::bind ? "bind before connect, or a socket of its own for each"
                                                      : "a socket of its own for the listener");
    },
};

const CauseRule socket_is_bound{
    is_on_bound,
    [](const Case& c) {
        return "this socket is bound to " + address_words(c.facts.call->own) +
               " already, and a socket is bound once";
    },
    [](const Case&, CureList& list) { list.lasting("a new socket for each bind, or one bind"); },
};

} // namespace portguard::causes
