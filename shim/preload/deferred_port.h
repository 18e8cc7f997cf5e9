// port_zero=listen: bind to port 0 gives the address only, and the port comes from `listen` when it is asked
// for (getsockname) or listened on. A port that we bind is the socket's until it is closed, since nothing
// undoes an explicit bind (SOCK_BINDPORT_LOCK, net/ipv4/af_inet.c): a client, which binds to port 0 and
// connects, would take one of `listen`, and keep it when its connect is refused.
#pragma once

#include <atomic>

#include <sys/socket.h>

namespace portguard::deferred_port {

/// Whether there has been one in this process. False: no socket needs to be asked.
[[gnu::visibility("hidden")]] extern constinit std::atomic<bool> any;

/// bind(2) to port 0 of a socket without IP_BIND_ADDRESS_NO_PORT. 0, or -errno; -ENOPROTOOPT where a port
/// cannot be deferred (MPTCP before the option reached it), and nothing was done. errno is left alone.
int bind(int fd, const sockaddr* address, socklen_t length);

/// Gives the socket a port of `listen` if it has none yet and was bound by us; else does nothing. errno is
/// left alone.
void settle(int fd);

/// connect(2) chooses the port, or with AF_UNSPEC gives it up: none is to be had from `listen` any more.
void forget(int fd);

inline void forget_if_any(int fd) {
    if (any.load(std::memory_order_relaxed)) {
        forget(fd);
    }
}

inline void settle_if_any(int fd) {
    if (any.load(std::memory_order_relaxed)) {
        settle(fd);
    }
}

} // namespace portguard::deferred_port
