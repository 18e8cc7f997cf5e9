// The map as lines of a terminal.
#pragma once

#include <cstddef>
#include <string>

#include "tools/map/port_map.h"

namespace portguard::tools {

struct TextStyle {
    /// 256 colours beside the letters.
    bool coloured = false;
    std::size_t columns = 80;
    /// As many lines at most, if the map can be made so small.
    std::size_t lines = 23;
};

std::string terminal_text(const PortMap& map, const TextStyle& style);

/// A line for each group, no wider than `columns`; where they are more than `lines`, the last one counts the
/// rest.
std::string collision_lines(const PortMap& map, const TextStyle& style, std::size_t lines);

} // namespace portguard::tools
