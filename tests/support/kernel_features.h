// What a kernel of the matrix (tests/platforms/kernels) may lack. It is asked, not its version: distributions
// have backports. A kernel that is new enough and lacks it fails the test.
#pragma once

#include <cerrno>

#include <netinet/in.h>
#include <sys/socket.h>

#include "core/socket_options.h"
#include "kernel/kernel_release.h"
#include "support/fd.h"
#include "support/skip.h"

namespace portguard::test {

inline bool kernel_has_mptcp() {
    return Fd(::socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP)).valid();
}

/// IP_LOCAL_PORT_RANGE: Linux 6.3, and Debian's 6.1.
inline bool kernel_has_port_range() {
    const Fd socket(::socket(AF_INET, SOCK_STREAM, 0));
    const int none = 0;
    return ::setsockopt(socket.get(), SOL_IP, ip_local_port_range, &none, sizeof none) == 0;
}

/// Sockets that are bound, and neither listen nor are connected, are in sock_diag's answers (K13).
inline bool kernel_shows_bound_sockets() {
    return kernel_is_at_least(6, 8);
}

/// SOCK_DESTROY removes TIME_WAIT, and FIN_WAIT2 without a program (K14).
inline bool kernel_destroys_time_wait() {
    return kernel_is_at_least(6, 0);
}

} // namespace portguard::test

/// Ends a test of what this kernel lacks. One of that version or newer that lacks it fails.
#define PORTGUARD_NOT_THERE_BEFORE(major, minor, what)                                                       \
    do {                                                                                                     \
        ASSERT_FALSE(::portguard::kernel_is_at_least(major, minor)) << (what);                               \
        PORTGUARD_SKIP((what));                                                                              \
    } while (false)

#define PORTGUARD_NEEDS_MPTCP()                                                                              \
    do {                                                                                                     \
        if (!::portguard::test::kernel_has_mptcp()) {                                                        \
            PORTGUARD_SKIP("MPTCP is not there");                                                            \
        }                                                                                                    \
    } while (false)

#define PORTGUARD_NEEDS_PORT_RANGE()                                                                         \
    do {                                                                                                     \
        if (!::portguard::test::kernel_has_port_range()) {                                                   \
            PORTGUARD_NOT_THERE_BEFORE(6, 3, "IP_LOCAL_PORT_RANGE is not there");                            \
        }                                                                                                    \
    } while (false)

#define PORTGUARD_NEEDS_BOUND_SOCKETS_SHOWN()                                                                \
    do {                                                                                                     \
        if (!::portguard::test::kernel_shows_bound_sockets()) {                                              \
            PORTGUARD_SKIP("sockets that are only bound are not shown");                                     \
        }                                                                                                    \
    } while (false)
