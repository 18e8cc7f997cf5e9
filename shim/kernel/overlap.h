// Which sockets stand in each other's way. Pure: values in, an answer out.
#pragma once

#include <cstdint>
#include <span>

#include "core/endpoint.h"
#include "kernel/diag_socket.h"

namespace portguard {

/// What somebody wants to bind, or has bound.
struct AskedAddress {
    Endpoint endpoint;
    /// IPV6_V6ONLY of the socket that asks; without meaning for IPv4.
    bool v6only = false;
    /// Interface that it is bound to (SO_BINDTODEVICE, or the scope of a link-local address); 0: any.
    std::uint32_t device = 0;
};

/// True if both cannot have the port unless options allow it: the rule of inet_rcv_saddr_equal() and
/// inet_bind_conflict() (net/ipv4/inet_connection_sock.c). The protocol is not looked at.
bool overlaps(const AskedAddress& asked, const DiagSocket& holder);

/// Connected, closing or TIME_WAIT: SO_REUSEADDR on both sides lets another socket listen beside it (K1).
bool yields_to_reuseaddr(SocketState state);

/// Design 3.2: may SO_REUSEADDR help the one who asks for a TCP port? True if at least one overlapping holder
/// yields to it and none is bound only, which is a conflict of two servers. The sockets of `portguard hold`
/// yield: they are there for the server that asks. Holders that listen need no look, since the kernel refuses
/// over one that overlaps whatever the flags.
bool may_cure(const AskedAddress& asked, std::span<const DiagSocket> holders);

} // namespace portguard
