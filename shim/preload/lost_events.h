// The events that no log took, counted in the program's memory, which its children write as well: the next
// that is written says how many.
#pragma once

#include <cstdint>

namespace portguard::lost_events {

/// Their number, which is 0 from here on: whoever writes the next event says it (core/event.h,
/// lost_events_note).
std::uint32_t take();

/// They could not be said, or `count` more were lost.
void put_back(std::uint32_t count);

} // namespace portguard::lost_events
