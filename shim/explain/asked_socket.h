// The program's own socket: what it asked for.
#pragma once

#include <cstdint>
#include <optional>

#include <sys/types.h>

#include "core/endpoint.h"
#include "core/event.h"
#include "core/snapshot.h"
#include "kernel/overlap.h"

namespace portguard {

struct AskedSocket {
    AskedAddress address;
    Protocol protocol = Protocol::unknown;
    /// st_ino of the socket; 0: unknown.
    std::uint64_t inode = 0;
    /// Of whoever made it (st_uid): what SO_REUSEPORT compares, and not who the process is by now.
    std::optional<uid_t> uid;
    std::optional<bool> reuseaddr;
    std::optional<bool> reuseport;
    /// For IPv6 sockets.
    std::optional<bool> v6only;
    /// SO_BINDTODEVICE; 0: none.
    std::uint32_t device = 0;
};

/// By getsockopt(2), getsockname(2) and fstat(2) on `socket`, a duplicate of the program's (-1: there is
/// none); what they do not say stays unknown. The address is what the program passed; for listen what the
/// socket has.
AskedSocket read_asked_socket(const Snapshot& snapshot, int socket);

} // namespace portguard
