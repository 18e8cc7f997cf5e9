#include "preload/own_address.h"

#include <array>
#include <atomic>
#include <cstdint>

#include <sys/socket.h>
#include <sys/syscall.h>

#include "core/hash.h"
#include "kernel/judged_call.h"
#include "kernel/kernel_call.h"
#include "kernel/socket_address.h"

namespace portguard {
namespace {

constexpr std::uint64_t known_bit = 1;
constexpr std::uint64_t own_bit = 2;

/// What was found out, an address a word: its hash above two bits. Threads that write the same word at the
/// same time lose an answer, which is asked for again.
constinit std::array<std::atomic<std::uint64_t>, 64> answers{};

/// True where a socket can be bound to it: that needs an address of our own, but no list of interfaces.
bool can_be_bound(const Endpoint& endpoint) {
    Endpoint any_port = endpoint;
    any_port.port = 0;
    const SocketAddress address(any_port);
    const long fd = judged_call(SYS_socket, address.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    const long result = judged_call(SYS_bind, fd, as_argument(address.get()), address.length());
    kernel_call(SYS_close, fd);
    return result == 0;
}

} // namespace

bool is_own_address(const Endpoint& endpoint) {
    const std::uint64_t hash = Fnv1a().add(endpoint.family).add(endpoint.address).value();
    const std::uint64_t key = hash << 2 | known_bit;
    std::atomic<std::uint64_t>& answer = answers[(key >> 32) % answers.size()];
    const std::uint64_t known = answer.load(std::memory_order_relaxed);
    if ((known & ~own_bit) == key) {
        return (known & own_bit) != 0;
    }
    const bool own = can_be_bound(endpoint);
    answer.store(key | (own ? own_bit : 0), std::memory_order_relaxed);
    return own;
}

} // namespace portguard
