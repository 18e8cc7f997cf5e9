// Words of the picture: what stands in a title, fit for XML.
#pragma once

#include <string>
#include <string_view>

#include "tools/map/port_map.h"

namespace portguard::tools {

/// Text that another user may have chosen (a process name): no control characters, ASCII alone, and nothing
/// that XML takes for its own.
std::string escaped_for_xml(std::string_view text);

/// "<title>port 8080 ...</title>": a line a socket, with its state, addresses and process.
std::string title_of(const PortMap& map, const PortUse& use);

} // namespace portguard::tools
