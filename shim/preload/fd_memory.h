// What we remember of descriptors.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/socket_facts.h"

namespace portguard::fd_memory {

// The tests build the shim with a small table, since few machines let a process have more descriptors than
// this.
#ifndef PORTGUARD_FD_CAPACITY
#define PORTGUARD_FD_CAPACITY 65536
#endif

/// Descriptors beyond it are never remembered, which is the same as never seen.
inline constexpr std::size_t capacity = PORTGUARD_FD_CAPACITY;

/// Bytes, not words: two threads share a line only when their descriptors are within 64 of each other, and
/// then they write it once a socket's life, beside a system call of ten times the cost. All zero, so it takes
/// no page until used, and a fork copies what was used (H39).
[[gnu::visibility("hidden")]] extern constinit std::array<std::atomic<std::uint8_t>, capacity> table;
static_assert(std::atomic<std::uint8_t>::is_always_lock_free);
static_assert(sizeof(table) == capacity, "one byte a descriptor");

inline bool is_covered(int fd) {
    return static_cast<unsigned>(fd) < capacity;
}

inline SocketFacts recall(int fd) {
    return is_covered(fd) ? SocketFacts(table[static_cast<unsigned>(fd)].load(std::memory_order_relaxed))
                          : SocketFacts{};
}

/// The store is plain: if another thread closes and reopens the number at the same time the program has the
/// race already, and what is done by a hint asks the kernel first (H05). Nothing is written that stands
/// there, so that a program which closes every number up to its limit (H36) does not dirty the table's pages.
inline void remember(int fd, SocketFacts facts) {
    if (is_covered(fd) && recall(fd) != facts) {
        table[static_cast<unsigned>(fd)].store(facts.bits(), std::memory_order_relaxed);
    }
}

inline void forget(int fd) {
    remember(fd, SocketFacts{});
}

} // namespace portguard::fd_memory
