#include "explain/call_facts.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include <net/if.h>
#include <netinet/in.h>

#include "explain/address_facts.h"
#include "kernel/socket_option.h"

namespace portguard {
namespace {

using AddressCall = int (*)(int, sockaddr*, socklen_t*);

/// Of getsockname(2) or getpeername(2).
std::optional<Endpoint> ask_endpoint(AddressCall call, int socket) {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    auto* const address = reinterpret_cast<sockaddr*>(&storage);
    return call(socket, address, &length) == 0 ? std::optional(read_endpoint(address, length)) : std::nullopt;
}

void read_ipv6(const sockaddr_in6& address, CallFacts& facts) {
    facts.is_multicast = IN6_IS_ADDR_MULTICAST(&address.sin6_addr);
    facts.is_mapped = IN6_IS_ADDR_V4MAPPED(&address.sin6_addr);
    if (facts.length >= sizeof address) {
        facts.scope = address.sin6_scope_id;
        char name[IF_NAMESIZE];
        facts.scope_exists = if_indextoname(facts.scope, name) != nullptr;
    }
}

} // namespace

socklen_t least_length(int family) {
    switch (family) {
    case AF_INET: return sizeof(sockaddr_in);
    case AF_INET6: return offsetof(sockaddr_in6, sin6_scope_id); // SIN6_LEN_RFC2133
    default: return 0;
    }
}

CallFacts ask_call(const Snapshot& snapshot, int socket) {
    CallFacts facts;
    facts.socket_family = socket_option_or(socket, SOL_SOCKET, SO_DOMAIN, AF_UNSPEC);
    facts.own = ask_endpoint(getsockname, socket).value_or(Endpoint{});
    facts.peer = ask_endpoint(getpeername, socket);
    facts.length = snapshot.address_length;
    if (facts.length < sizeof(sa_family_t)) {
        return facts;
    }
    sockaddr_in6 address{};
    std::memcpy(&address, snapshot.address, std::min<std::size_t>(facts.length, sizeof address));
    facts.family = address.sin6_family;
    if (facts.family == AF_INET6 && facts.length >= least_length(AF_INET6)) {
        read_ipv6(address, facts);
        AskedAddress asked;
        asked.endpoint = read_endpoint(reinterpret_cast<const sockaddr*>(&address), facts.length);
        if (asked.endpoint.is_link_local()) {
            facts.interface = ask_address(asked).interface;
        }
    }
    return facts;
}

} // namespace portguard
