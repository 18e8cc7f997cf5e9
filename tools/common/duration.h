// "500ms", "60s", "5m", "2h": how long something is to go on.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "tools/cli/command.h"

namespace portguard::tools {

inline constexpr std::string_view duration_values = "N(ms|s|m|h|d)";

/// A number with a unit; without one it counts seconds. Null: no duration, 0, or more than 365 days.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// The value of parameter `name`; null where it was not given. Throws Refusal.
std::optional<std::chrono::milliseconds> duration_of(const Arguments& arguments, std::string_view name);

} // namespace portguard::tools
