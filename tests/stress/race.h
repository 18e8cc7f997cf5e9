#pragma once

#include <chrono>
#include <cstdint>

namespace portguard::stress {

/// Fails where two processes listen on one port at once, or where a bind that went through without
/// SO_REUSEADDR cannot listen. How often one of them listened. Before there are threads.
std::uint64_t race(std::chrono::seconds duration, std::uint64_t seed);

} // namespace portguard::stress
