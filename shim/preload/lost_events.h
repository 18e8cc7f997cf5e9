// The events that no log took, counted in the program's memory, which its children write as well: the next
// that is written says how many.
#pragma once

#include <cstdint>

#include "core/text.h"

namespace portguard::lost_events {

/// "portguard: 12 events before this one could not be written" and a newline, and the count is 0 again;
/// nothing where it is.
std::uint32_t take(TextWriter& line);

/// That line was lost itself, and `count` with it: what take() returned, and the event that came with the
/// line.
void put_back(std::uint32_t count);

} // namespace portguard::lost_events
