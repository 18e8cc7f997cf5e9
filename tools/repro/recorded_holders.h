// The holders of a recorded event as sockets to be made, and who is to have them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/repro/scene.h"

namespace portguard::tools {

/// Those beyond are told as missing.
inline constexpr std::size_t most_holders = 200;

/// Fills stand_ins, own and missing; scene.ephemeral is known.
void add_holders(const EventRecord& event, Scene& scene);

/// What the kernel calls a process that was started so.
std::string comm_of(const std::optional<std::vector<std::string>>& argv);

} // namespace portguard::tools
