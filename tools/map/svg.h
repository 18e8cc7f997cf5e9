// The map as a picture.
#pragma once

#include <string>
#include <string_view>

#include "tools/map/port_map.h"

namespace portguard::tools {

/// A whole SVG file: no script, nothing from elsewhere, light and dark.
std::string svg_picture(const PortMap& map);

/// Text that another user may have chosen (a process name): no control characters, ASCII alone, and nothing
/// that XML takes for its own.
std::string escaped_for_xml(std::string_view text);

/// "<title>port 8080 ...</title>": a line a socket, with its state, addresses and process.
std::string title_of(const PortMap& map, const PortUse& use);

/// The file holds `text` whole, or what it held before. Throws Refusal.
void replace_file(const std::string& path, std::string_view text);

} // namespace portguard::tools
