#include "explain/fold.h"

namespace portguard {
namespace {

constexpr std::uint64_t told_in_second = 0xffff'ffff;

std::uint64_t second_word(std::uint64_t now_ms) {
    return (now_ms / 1000) << 32;
}

} // namespace

/// The slot with that key, or the one that was told longest ago. A key that loses its slot is told again: too
/// much is better than nothing.
Fold::Slot& Fold::slot_of(std::uint64_t key) {
    Slot* oldest = &slots_[key % slots];
    for (std::size_t probe = 0; probe < probes; ++probe) {
        Slot& slot = slots_[(key + probe) % slots];
        const std::uint64_t present = slot.key.load(std::memory_order_relaxed);
        if (present == key) {
            return slot;
        }
        if (slot.told_at.load(std::memory_order_relaxed) < oldest->told_at.load(std::memory_order_relaxed)) {
            oldest = &slot;
        }
    }
    return *oldest;
}

bool Fold::is_over_limit(std::uint64_t now_ms, std::uint16_t limit) {
    const std::uint64_t word = this_second_.load(std::memory_order_relaxed);
    const bool over = (word & ~told_in_second) == second_word(now_ms) && (word & told_in_second) >= limit;
    if (over) {
        kept_back_.fetch_add(1, std::memory_order_relaxed);
    }
    return over;
}

bool Fold::take_from_limit(std::uint64_t now_ms, std::uint16_t limit) {
    std::uint64_t word = this_second_.load(std::memory_order_relaxed);
    std::uint64_t next = 0;
    do {
        const bool same_second = (word & ~told_in_second) == second_word(now_ms);
        if (same_second && (word & told_in_second) >= limit) {
            return false;
        }
        next = same_second ? word + 1 : second_word(now_ms) + 1;
    } while (!this_second_.compare_exchange_weak(word, next, std::memory_order_relaxed));
    return true;
}

Fold::Answer Fold::admit(std::uint64_t key, std::uint64_t now_ms, std::uint16_t limit) {
    key = key == 0 ? 1 : key;
    Slot& slot = slot_of(key);
    const bool known = slot.key.load(std::memory_order_relaxed) == key;
    if (known && now_ms - slot.told_at.load(std::memory_order_relaxed) < window_ms) {
        slot.uncounted.fetch_add(1, std::memory_order_relaxed);
        return {};
    }
    if (!take_from_limit(now_ms, limit)) {
        kept_back_.fetch_add(1, std::memory_order_relaxed);
        return {};
    }
    slot.told_at.store(now_ms, std::memory_order_relaxed);
    slot.key.store(key, std::memory_order_relaxed);
    const std::uint64_t before = slot.uncounted.exchange(0, std::memory_order_relaxed);
    return {true, 1 + (known ? before : 0), kept_back_.exchange(0, std::memory_order_relaxed)};
}

} // namespace portguard
