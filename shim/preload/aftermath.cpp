#include "preload/aftermath.h"

#include <atomic>
#include <cerrno>

#include <sys/syscall.h>

#include "core/options.h"
#include "preload/fd_memory.h"
#include "preload/guard.h"
#include "kernel/kernel_call.h"
#include "preload/outgoing_side.h"
#include "preload/report.h"

namespace portguard {

namespace {

/// connect says EADDRNOTAVAIL as well where no address of ours reaches the destination: ::1 with IPv6
/// switched off, which every program tries that is told "localhost". A UDP socket meets that alone, having
/// ports of its own.
bool has_source_for(const sockaddr* address, socklen_t length) {
    const long fd = kernel_call(SYS_socket, address->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return true;
    }
    const long result = kernel_call(SYS_connect, fd, as_argument(address), length);
    kernel_call(SYS_close, fd);
    return result != -EADDRNOTAVAIL;
}

} // namespace

void tell_ephemeral(int fd, Call call, const sockaddr* address, socklen_t length, SocketFacts facts) {
    static constinit std::atomic<bool> told_udp{false};
    if (facts.protocol() == Protocol::udp && told_udp.exchange(true, std::memory_order_relaxed)) {
        return;
    }
    tell({EventKind::ephemeral_listener, call, fd, 0, address, length, facts});
}

bool refuse(int fd, const sockaddr* address, socklen_t length) {
    const SocketFacts facts = outgoing_side::ask_kernel(fd);
    if (facts.protocol() == Protocol::other) {
        return false;
    }
    const int error = errno_value(guard::config().deny_errno);
    tell({EventKind::refused, Call::bind, fd, error, address, length, facts});
    errno = error;
    return true;
}

int after_failed_bind(int fd, const sockaddr* address, socklen_t length, SocketFacts facts) {
    const int error = errno;
    // With these errors the kernel has read the address; others come before (EBADF, ENOTSOCK) or because it
    // cannot (EFAULT), and then we could not either.
    if (error != EADDRINUSE && error != EADDRNOTAVAIL && error != EACCES) {
        return -1;
    }
    const Target target = read_target(address, length);
    if (target.family == Family::other) {
        return -1;
    }
    const SocketFacts known = facts.protocol() == Protocol::unknown ? outgoing_side::ask_kernel(fd) : facts;
    Occurrence occurrence{EventKind::in_use, Call::bind, fd, error, address, length, known};
    if (known.protocol() == Protocol::other || (error == EACCES && target.port == 0)) {
        return -1;
    }
    if (error == EADDRINUSE && target.port != 0) {
        if (cure_or_tell(occurrence) != 0) {
            return -1;
        }
        fd_memory::remember(fd, known.with_port(PortChoice::program));
        return 0;
    }
    occurrence.kind = error == EADDRINUSE      ? EventKind::exhausted
                      : error == EADDRNOTAVAIL ? EventKind::unavailable
                                               : EventKind::privileged;
    tell(occurrence);
    return -1;
}

void tell_passed(int fd, const sockaddr* address, socklen_t length, SocketFacts facts) {
    tell({EventKind::refused, Call::bind, fd, errno_value(guard::config().deny_errno), address, length,
          facts});
}

int after_failed_listen(int fd, EventKind kind, SocketFacts facts) {
    if (errno == EADDRINUSE) {
        tell({kind, Call::listen, fd, EADDRINUSE, nullptr, 0, facts});
    }
    return -1;
}

int after_failed_connect(int fd, const sockaddr* address, socklen_t length, SocketFacts facts) {
    // UDP says EAGAIN when its range is used up (measured); TCP never does in connect.
    if ((errno == EADDRNOTAVAIL && has_source_for(address, length)) ||
        (errno == EAGAIN && facts.protocol() == Protocol::udp)) {
        tell({EventKind::exhausted, Call::connect, fd, errno, address, length, facts});
    }
    return -1;
}

} // namespace portguard
