#include "preload/courtesy.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "preload/socket_state.h"

namespace portguard::courtesy {
namespace {

constinit std::atomic<bool> bound_through_unknown_number{false};

/// Cookies of the sockets that have the flag from us, by number. Of two numbers this far apart the older one
/// keeps a flag that should go; the program's own is never touched instead.
constinit std::array<std::atomic<std::uint64_t>, 4096> cookies{};

/// In place of a cookie that was not asked for: connect had waited, and whether it was the same socket still
/// was worth the call. Only AF_UNSPEC ends such a connection for the program, and leaves it closed.
constexpr std::uint64_t connected = ~std::uint64_t{0};

std::atomic<std::uint64_t>& cookie_of(int fd) {
    return cookies[static_cast<unsigned>(fd) % cookies.size()];
}

/// A connection, or an attempt at one. Not TCP_CLOSE: the port is gone. Not TCP_LISTEN: never an outgoing
/// one.
bool is_outgoing_state(int state) {
    return state == TCP_ESTABLISHED || state == TCP_SYN_SENT || state == TCP_SYN_RECV ||
           state == TCP_CLOSE_WAIT;
}

} // namespace

void note_bind_through_unknown_number() {
    bound_through_unknown_number.store(true, std::memory_order_relaxed);
}

bool may_be_given(int fd) {
    // Port 0 is the truth, any other may be the stale one of a failed connect: such a socket goes without.
    return !bound_through_unknown_number.load(std::memory_order_relaxed) ||
           socket_state::local_address(fd).port() == 0;
}

bool give(int fd, bool has_waited) {
    // In no time at all nothing changes hands: what connect has just called under way is an attempt of TCP's.
    if (has_waited && !is_outgoing_state(socket_state::tcp_state(fd))) {
        return false;
    }
    const std::uint64_t cookie = has_waited ? connected : socket_state::cookie(fd);
    if (cookie == 0) {
        return false;
    }
    cookie_of(fd).store(cookie, std::memory_order_relaxed);
    // MPTCP says EINVAL (K2).
    return socket_state::set_reuseaddr(fd, 1);
}

void take_back(int fd) {
    const std::uint64_t given_to = cookie_of(fd).load(std::memory_order_relaxed);
    const bool is_same = given_to == connected ? socket_state::tcp_state(fd) == TCP_CLOSE
                                               : given_to != 0 && socket_state::cookie(fd) == given_to;
    if (is_same) {
        socket_state::set_reuseaddr(fd, 0);
    }
}

} // namespace portguard::courtesy
