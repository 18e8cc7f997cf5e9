// What is remembered of the tree's sockets, by what no descriptor changes: their cookies, or inodes.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/socket_facts.h"

namespace portguard::tools {

/// Lock-free and bounded: of two sockets in one place the older is forgotten, which is as never seen.
class SocketMemory {
public:
    void remember(std::uint64_t cookie, SocketFacts facts) {
        place_of(cookie).store(cookie << facts_bits | facts.bits(), std::memory_order_relaxed);
    }

    [[nodiscard]] SocketFacts recall(std::uint64_t cookie) const {
        const std::uint64_t word = place_of(cookie).load(std::memory_order_relaxed);
        const bool is_it = cookie != 0 && word >> facts_bits == (cookie << facts_bits) >> facts_bits;
        return is_it ? SocketFacts(static_cast<std::uint8_t>(word)) : SocketFacts{};
    }

private:
    static constexpr unsigned facts_bits = 8;

    std::atomic<std::uint64_t>& place_of(std::uint64_t cookie) { return words_[cookie % words_.size()]; }
    [[nodiscard]] const std::atomic<std::uint64_t>& place_of(std::uint64_t cookie) const {
        return words_[cookie % words_.size()];
    }

    std::array<std::atomic<std::uint64_t>, 16384> words_{};
};

} // namespace portguard::tools
