#include "preload/port_search.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>

#include <netinet/in.h>
#include <sys/auxv.h>
#include <sys/syscall.h>

#include "core/port_sequence.h"
#include "kernel/kernel_call.h"
#include "kernel/socket_option.h"
#include "preload/calls_out.h"
#include "preload/deferred_port.h"
#include "preload/guard.h"
#include "preload/lease.h"
#include "preload/real.h"

namespace portguard::port_search {
namespace {

/// Differs between processes (AT_RANDOM, and the clock after a fork) and between calls. No system call: the
/// clock is in the vDSO (vdso(7)).
PORTGUARD_CALLS_OUT std::uint64_t make_seed(int fd) {
    static constinit std::atomic<std::uint32_t> calls{0};
    std::uint64_t seed = 0;
    if (const auto* const random = reinterpret_cast<const void*>(getauxval(AT_RANDOM)); random != nullptr) {
        std::memcpy(&seed, random, sizeof seed);
    }
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const std::uint64_t call = calls.fetch_add(1, std::memory_order_relaxed);
    return seed ^ static_cast<std::uint64_t>(now.tv_nsec) << 20 ^ call << 40 ^ static_cast<std::uint64_t>(fd);
}

/// An address of the program's or the kernel's, with room for another port.
struct PortedAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;

    [[nodiscard]] const sockaddr* generic() const { return reinterpret_cast<const sockaddr*>(&storage); }
    [[nodiscard]] std::uint16_t port() const {
        return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
    }
    // sin_port and sin6_port stand at the same offset (core/policy.h asserts it).
    void set_port(std::uint16_t port) { reinterpret_cast<sockaddr_in*>(&storage)->sin_port = htons(port); }
};

bool read_own_address(int fd, PortedAddress& own) {
    own.length = sizeof own.storage;
    return kernel_call(SYS_getsockname, fd, as_argument(&own.storage), as_argument(&own.length)) == 0 &&
           (own.storage.ss_family == AF_INET || own.storage.ss_family == AF_INET6);
}

/// The ports that `verdict` allows, in an order of this call's own.
PortSequence candidates(const Verdict& verdict, int fd) {
    return verdict.before == Before::bind_in_listen ? PortSequence(guard::config().listen, make_seed(fd))
                                                    : PortSequence(verdict.range, make_seed(fd));
}

enum class Half : std::uint8_t { both, odd, even };

bool holds(Half half, std::uint16_t port) {
    return half == Half::both || (half == Half::odd) == (port % 2 != 0);
}

/// 0, EADDRINUSE when all are taken, EACCES when all are forbidden (net.ipv4.ip_unprivileged_port_start), or
/// the errno that no other port would change.
int try_each_of(Half half, int fd, PortedAddress& address, const Verdict& verdict) {
    PortSequence ports = candidates(verdict, fd);
    int error = EACCES;
    for (std::uint16_t port = ports.next(); port != 0; port = ports.next()) {
        if (!holds(half, port)) {
            continue;
        }
        if (port == verdict.avoid) {
            error = EADDRINUSE;
            continue;
        }
        address.set_port(port);
        const auto result =
            static_cast<int>(-real::bind_leaving_errno(fd, address.generic(), address.length));
        if (result != EADDRINUSE && result != EACCES) {
            return result;
        }
        error = result == EADDRINUSE ? EADDRINUSE : error;
    }
    return error;
}

/// Where ports are leased, those first that may be (lease::is_in_leased_half).
int try_each(int fd, PortedAddress& address, const Verdict& verdict) {
    if (!lease::is_on()) {
        return try_each_of(Half::both, fd, address, verdict);
    }
    const int odd = try_each_of(Half::odd, fd, address, verdict);
    if (odd != EADDRINUSE && odd != EACCES) {
        return odd;
    }
    const int even = try_each_of(Half::even, fd, address, verdict);
    return even == EACCES ? odd : even;
}

/// errno is left alone, also where another shim behind us sets it at each port that is taken. With
/// SO_REUSEADDR an explicit bind would be given a port that another socket shares (H28); the kernel's own
/// choice would not.
int try_exclusively(int fd, PortedAddress& address, const Verdict& verdict) {
    const bool reuse =
        verdict.next.chose_reuseaddr() && socket_option_or(fd, SOL_SOCKET, SO_REUSEADDR, 0) != 0;
    if (reuse) {
        set_socket_option(fd, SOL_SOCKET, SO_REUSEADDR, 0);
    }
    const int saved_errno = errno;
    const int error = try_each(fd, address, verdict);
    errno = saved_errno;
    if (reuse) {
        set_socket_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    }
    return error;
}

} // namespace

int bind_port_zero(int fd, const sockaddr* address, socklen_t length, const Verdict& verdict) {
    if (socket_option_or(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, 0) != 0) {
        return static_cast<int>(real::bind_leaving_errno(fd, address, length));
    }
    if (verdict.before == Before::bind_in_listen) {
        const int result = deferred_port::bind(fd, address, length);
        if (result != -ENOPROTOOPT) {
            return result;
        }
    }
    PortedAddress own;
    std::memcpy(&own.storage, address, length);
    own.length = length;
    return -try_exclusively(fd, own, verdict);
}

bool give_port(int fd, const Verdict& verdict) {
    PortedAddress own;
    if (!read_own_address(fd, own) || own.port() != 0) {
        return true;
    }
    const int error = try_exclusively(fd, own, verdict);
    // What else may go wrong (EINVAL, EACCES) is left for connect or listen to find.
    return error != EADDRINUSE;
}

} // namespace portguard::port_search
