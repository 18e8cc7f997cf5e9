// Waiting for the kernel or another process: a deadline, never a bare sleep.
#pragma once

#include <chrono>
#include <functional>

namespace portguard::test {

inline constexpr std::chrono::milliseconds patience{5000};

/// Asks `condition` every millisecond until it holds; false when the deadline passes first.
bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds deadline = patience);

} // namespace portguard::test
