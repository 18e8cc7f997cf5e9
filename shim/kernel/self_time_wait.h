// A TIME_WAIT that keeps its port off everybody but a binder with SO_REUSEADDR (K21): the lease. No heap, no
// libc: the preloaded object has it too.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <sys/socket.h>

#include "core/endpoint.h"

namespace portguard::self_time_wait {

/// A TCP socket of `family` that does not block, or -errno. It has the tag of a hold: a child that another
/// thread forks just now keeps a copy, which is not to stand in the way of whoever has the lease.
int open_socket(int family, bool v6_only);

/// Beside sockets that have the flag, with the flag. Without it the kernel has to refuse, or the port is
/// nobody's (getsockname goes on to name it after a connect that failed): false then.
bool bind_beside(int fd, const sockaddr* address, socklen_t length);

/// Where a TIME_WAIT is left for a socket that is bound to `own`: there, and of a wildcard on the loopback
/// address of each family that it covers.
class Places {
public:
    /// `device`: of a link-local address.
    Places(const Endpoint& own, bool v6_only, std::uint32_t device);

    /// On each of them. All that has the port has the flag, and nothing listens there. `is_shared`: a binder
    /// with SO_REUSEPORT is let in as well.
    void leave_time_wait(bool is_shared) const;

private:
    std::array<Endpoint, 2> places_{};
    std::size_t count_ = 1;
    std::uint32_t device_;
};

} // namespace portguard::self_time_wait
