// Which events are told: the same within ten seconds is counted, and no more than max_reports a second.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace portguard {

/// Memory of what was told. Lock-free, and of plain words: threads that meet in a slot may lose a count, and
/// a forked child goes on with its copy.
class Fold {
public:
    /// Events of one key are told once in this time.
    static constexpr std::uint64_t window_ms = 10'000;

    struct Answer {
        bool told = false;
        /// With `told`: this one and those before it that were only counted.
        std::uint64_t count = 1;
        /// With `told`: events of other keys that the limit kept back since the last one told.
        std::uint64_t kept_back = 0;
    };

    /// True, and counted, if this second's `limit` is used up: the report need not even be made.
    bool is_over_limit(std::uint64_t now_ms, std::uint16_t limit);
    /// `key` stands for call, address, cause and stack; 0 is taken for 1. `now_ms` is a monotonic clock's.
    Answer admit(std::uint64_t key, std::uint64_t now_ms, std::uint16_t limit);

private:
    static constexpr std::size_t slots = 64;
    static constexpr std::size_t probes = 8;

    struct Slot {
        std::atomic<std::uint64_t> key{0};
        std::atomic<std::uint64_t> told_at{0};
        std::atomic<std::uint64_t> uncounted{0};
    };

    Slot& slot_of(std::uint64_t key);
    bool take_from_limit(std::uint64_t now_ms, std::uint16_t limit);

    std::array<Slot, slots> slots_{};
    /// The second in the upper half, how many were told in it in the lower.
    std::atomic<std::uint64_t> this_second_{0};
    std::atomic<std::uint64_t> kept_back_{0};
};

} // namespace portguard
