#include "preload/lost_events.h"

#include <atomic>

namespace portguard::lost_events {
namespace {

constinit std::atomic<std::uint32_t> lost{0};

} // namespace

std::uint32_t take() {
    return lost.exchange(0, std::memory_order_relaxed);
}

void put_back(std::uint32_t count) {
    if (count != 0) {
        lost.fetch_add(count, std::memory_order_relaxed);
    }
}

} // namespace portguard::lost_events
