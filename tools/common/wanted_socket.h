// One socket as a condition of a port has it: what `hold --state` and `repro` ask for.
#pragma once

#include "core/call.h"
#include "core/endpoint.h"
#include "kernel/overlap.h"
#include "kernel/sock_diag.h"

namespace portguard::tools {

struct WantedSocket {
    /// Protocol::udp, else TCP.
    Protocol protocol = Protocol::tcp;
    SocketState state = SocketState::listen;
    /// Port 0, for a connection that dials: whatever the kernel chooses.
    AskedAddress local;
    /// Of a connection; port 0: any. Family::other: the local address itself.
    Endpoint remote;
    /// A listener on `local` accepted it; else it dialled.
    bool accepted = false;
    bool reuseaddr = false;
    bool reuseport = false;
    /// As `portguard hold` marks its own.
    bool is_hold = false;
    /// Its program has closed it, and the kernel still says good-bye.
    bool is_orphan = false;
    /// Whoever the connection was made to goes on listening.
    bool peer_listens = false;

    [[nodiscard]] bool is_connection() const { return yields_to_reuseaddr(state); }
};

} // namespace portguard::tools
