#include "preload/fold.h"

#include "core/division.h"

namespace portguard {
namespace {

/// In nanoseconds, as two factors that divide() takes.
constexpr std::uint32_t parts_of_second[] = {50'000, 20'000};
constexpr std::uint32_t longest_still = 1024;

std::uint64_t load(const std::atomic<std::uint64_t>& word) {
    return word.load(std::memory_order_relaxed);
}

} // namespace

/// The slot with that key, or the one that was told longest ago. A key that loses its slot is told again: too
/// much is better than nothing.
Fold::Slot& Fold::slot_of(std::uint64_t key) {
    Slot* oldest = &slots_[key % slots];
    for (std::size_t probe = 0; probe < probes; ++probe) {
        Slot& slot = slots_[(key + probe) % slots];
        if (load(slot.key) == key) {
            return slot;
        }
        if (load(slot.told_at) < load(oldest->told_at)) {
            oldest = &slot;
        }
    }
    return *oldest;
}

bool Fold::is_within_window(const Slot& slot, std::uint64_t now_ns) const {
    const std::uint64_t told_at = load(slot.told_at);
    return now_ns >= told_at && now_ns - told_at < window_ns;
}

bool Fold::may_tell_by_clock(std::uint64_t now_ns, std::uint16_t limit) {
    std::uint64_t second = now_ns;
    for (const std::uint32_t part : parts_of_second) {
        divide(second, part);
    }
    if (second_.exchange(second, std::memory_order_relaxed) != second) {
        told_in_second_.store(0, std::memory_order_relaxed);
    }
    const std::uint64_t told = load(told_in_all_);
    if (told == 0) {
        first_ns_.store(now_ns, std::memory_order_relaxed);
    }
    // Before `first` only if the clock was set back.
    const std::uint64_t elapsed = now_ns - load(first_ns_);
    const bool within_share = told < limit || load(spent_ns_) * share <= elapsed;
    return within_share && told_in_second_.fetch_add(1, std::memory_order_relaxed) < limit;
}

/// One, then one of two, of four, and so on: a flood stays small, and what comes later is not silent for
/// good.
bool Fold::may_tell_by_count() {
    const std::uint32_t until = still_until_.load(std::memory_order_relaxed);
    if (still_.fetch_add(1, std::memory_order_relaxed) < until) {
        return false;
    }
    still_.store(0, std::memory_order_relaxed);
    still_until_.store(until < longest_still ? until * 2 + 1 : longest_still, std::memory_order_relaxed);
    return true;
}

bool Fold::may_tell(std::uint64_t now_ns, std::uint16_t limit) {
    // A clock of nanoseconds never shows two failed calls the same time, unless it is somebody's imitation.
    const bool stands_still = last_ns_.exchange(now_ns, std::memory_order_relaxed) == now_ns;
    return may_tell_by_clock(now_ns, limit) || (stands_still && may_tell_by_count());
}

Fold::Answer Fold::admit(std::uint64_t key, std::uint64_t now_ns, std::uint16_t limit) {
    key = key == 0 ? 1 : key;
    Slot& slot = slot_of(key);
    const bool known = load(slot.key) == key;
    if (known && is_within_window(slot, now_ns)) {
        slot.uncounted.fetch_add(1, std::memory_order_relaxed);
        return {};
    }
    if (!may_tell(now_ns, limit)) {
        kept_back_.fetch_add(1, std::memory_order_relaxed);
        return {};
    }
    told_in_all_.fetch_add(1, std::memory_order_relaxed);
    slot.told_at.store(now_ns, std::memory_order_relaxed);
    slot.key.store(key, std::memory_order_relaxed);
    const std::uint32_t before = slot.uncounted.exchange(0, std::memory_order_relaxed);
    return {true, 1 + (known ? before : 0), kept_back_.exchange(0, std::memory_order_relaxed)};
}

} // namespace portguard
