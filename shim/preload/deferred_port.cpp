#include "preload/deferred_port.h"

#include <array>
#include <cerrno>
#include <cstdint>

#include <netinet/in.h>

#include "kernel/socket_option.h"
#include "preload/aftermath.h"
#include "preload/fd_memory.h"
#include "preload/lease.h"
#include "preload/port_search.h"
#include "preload/real.h"
#include "preload/socket_state.h"

namespace portguard::deferred_port {
namespace {

/// Of the sockets that wait for a port, by themselves, so that a dup is found as well and another socket
/// under the same number is not. The older of two in one place stays without a port until it listens.
constinit std::array<std::atomic<std::uint64_t>, 4096> cookies{};

std::atomic<std::uint64_t>& place_of(std::uint64_t cookie) {
    return cookies[cookie % cookies.size()];
}

} // namespace

constinit std::atomic<bool> any{false};

int bind(int fd, const sockaddr* address, socklen_t length) {
    if (set_socket_option(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1) != 0) {
        return -ENOPROTOOPT;
    }
    const auto result = static_cast<int>(real::bind_leaving_errno(fd, address, length));
    set_socket_option(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, 0);
    if (result != 0) {
        return result;
    }
    if (const std::uint64_t cookie = socket_state::cookie(fd); cookie != 0) {
        place_of(cookie).store(cookie, std::memory_order_relaxed);
        any.store(true, std::memory_order_relaxed);
    }
    return 0;
}

void forget(int fd) {
    std::uint64_t cookie = socket_state::cookie(fd);
    if (cookie != 0) {
        place_of(cookie).compare_exchange_strong(cookie, 0, std::memory_order_relaxed);
    }
}

void settle(int fd) {
    std::uint64_t cookie = socket_state::cookie(fd);
    // Of two threads that ask at once, one binds; the other may see port 0 once.
    if (cookie != 0 && place_of(cookie).compare_exchange_strong(cookie, 0, std::memory_order_relaxed)) {
        const SocketFacts facts = fd_memory::recall(fd);
        if (!port_search::give_port(fd, {.before = Before::bind_in_listen, .next = facts})) {
            tell_exhausted_port_zero(fd, facts);
        } else if (lease::is_on()) {
            lease::note(fd, facts);
        }
    }
}

} // namespace portguard::deferred_port
