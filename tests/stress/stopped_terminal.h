#pragma once

#include <chrono>
#include <cstdint>

namespace portguard::stress {

/// Starts this program again, with standard error at a terminal that is stopped and goes on as the keys
/// ctrl-S and ctrl-Q make it; fails where that hangs. How many of its binds failed. Before there are threads.
std::uint64_t fail_at_terminal(std::chrono::seconds duration, std::uint64_t seed);

/// What is started: binds that fail, by several threads. Returns the exit status.
int fail_until(std::chrono::seconds duration);

} // namespace portguard::stress
