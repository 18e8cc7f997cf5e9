// What a call was made with, and the socket that it was made on: asked where the kernel refused the call
// itself (EINVAL, ENODEV, EAFNOSUPPORT), whoever holds the port.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <sys/socket.h>

#include "core/endpoint.h"
#include "core/snapshot.h"

namespace portguard {

struct CallFacts {
    /// SO_DOMAIN; AF_UNSPEC: it could not be asked.
    int socket_family = AF_UNSPEC;
    /// Of what the program passed; AF_UNSPEC and 0 for listen.
    int family = AF_UNSPEC;
    socklen_t length = 0;
    /// sin6_scope_id; 0: none.
    std::uint32_t scope = 0;
    bool scope_exists = false;
    bool is_multicast = false;
    /// An IPv4 address in an IPv6 one (::ffff:10.1.2.3).
    bool is_mapped = false;
    /// The socket's own; without a port: it has none.
    Endpoint own;
    /// Whom it is connected to.
    std::optional<Endpoint> peer;
    /// An interface that has the link-local address that was asked for; empty: none.
    std::string interface;
};

CallFacts ask_call(const Snapshot& snapshot, int socket);

/// The length that the kernel wants at least; 0: of another family.
socklen_t least_length(int family);

} // namespace portguard
