#include "preload/lost_events.h"

#include <atomic>

#include "core/event.h"

namespace portguard::lost_events {
namespace {

constinit std::atomic<std::uint32_t> lost{0};

} // namespace

std::uint32_t take(TextWriter& line) {
    const std::uint32_t count = lost.exchange(0, std::memory_order_relaxed);
    if (count != 0) {
        line.add("portguard: ").add_number(count).add(lost_events_note).add('\n');
    }
    return count;
}

void put_back(std::uint32_t count) {
    lost.fetch_add(count, std::memory_order_relaxed);
}

} // namespace portguard::lost_events
