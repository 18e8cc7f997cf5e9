// Which events are told: the same within ten seconds is counted, no more than max_reports a second, and after
// the first max_reports of a process no more than a hundredth of its time.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace portguard {

/// Memory of what was told. Lock-free, and of plain words: threads that meet in a slot may lose a count, and
/// a forked child goes on with its copy. `now_ns` is a monotonic clock's, as libc tells it: one that stands
/// still or goes back (libfaketime, a time namespace) costs reports, never all of them.
class Fold {
public:
    /// Events of one key are told once in this time.
    static constexpr std::uint64_t window_ns = 10'000'000'000;
    /// The part of its time that a process may spend on reports.
    static constexpr std::uint64_t share = 100;

    struct Answer {
        bool told = false;
        /// With `told`: this one and those before it that were only counted.
        std::uint32_t count = 1;
        /// With `told`: events of other keys that a limit kept back since the last one told.
        std::uint32_t kept_back = 0;
    };

    /// `key` stands for call, address, cause and caller; 0 is taken for 1.
    Answer admit(std::uint64_t key, std::uint64_t now_ns, std::uint16_t limit);
    /// What a told event has cost.
    void spend(std::uint64_t elapsed_ns) { spent_ns_.fetch_add(elapsed_ns, std::memory_order_relaxed); }

private:
    static constexpr std::size_t slots = 64;
    static constexpr std::size_t probes = 8;

    struct Slot {
        std::atomic<std::uint64_t> key{0};
        std::atomic<std::uint64_t> told_at{0};
        std::atomic<std::uint32_t> uncounted{0};
    };

    Slot& slot_of(std::uint64_t key);
    bool is_within_window(const Slot& slot, std::uint64_t now_ns) const;
    bool may_tell(std::uint64_t now_ns, std::uint16_t limit);
    bool may_tell_by_clock(std::uint64_t now_ns, std::uint16_t limit);
    bool may_tell_by_count();

    std::array<Slot, slots> slots_{};
    /// The second that is counted, and how many were told in it.
    std::atomic<std::uint64_t> second_{0};
    std::atomic<std::uint32_t> told_in_second_{0};
    std::atomic<std::uint64_t> told_in_all_{0};
    std::atomic<std::uint64_t> first_ns_{0};
    std::atomic<std::uint64_t> spent_ns_{0};
    std::atomic<std::uint64_t> last_ns_{0};
    /// While the clock stands still: how many were kept back, and how many have to be before the next one is
    /// told. All zero, as the rest: it costs no page until the first failure.
    std::atomic<std::uint32_t> still_{0};
    std::atomic<std::uint32_t> still_until_{0};
    std::atomic<std::uint32_t> kept_back_{0};
};

} // namespace portguard
