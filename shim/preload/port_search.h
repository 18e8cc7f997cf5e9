// Explicit binds in place of the kernel's choice: step 3 of design 3.4, and port_zero=listen.
#pragma once

#include <sys/socket.h>

#include "core/policy.h"

namespace portguard::port_search {

inline bool is_wanted(const Verdict& verdict) {
    return verdict.before == Before::bind_in_range || verdict.before == Before::bind_in_listen;
}

/// bind(2) to port 0, with a port that `verdict` (Before::bind_in_range or bind_in_listen) allows instead, or
/// will be given (deferred_port.h).
/// 0, or -errno: EADDRINUSE when all are taken; errno is left alone. Leaves alone a socket with
/// IP_BIND_ADDRESS_NO_PORT, whose port is connect's business.
int bind_port_zero(int fd, const sockaddr* address, socklen_t length, const Verdict& verdict);

/// A socket without a port, before connect or listen. False: all ports are taken. A socket that has one
/// already is left as it is. errno is left alone.
bool give_port(int fd, const Verdict& verdict);

inline bool give_port_if_wanted(int fd, const Verdict& verdict) {
    return !is_wanted(verdict) || give_port(fd, verdict);
}

} // namespace portguard::port_search
