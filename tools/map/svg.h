// The map as a picture.
#pragma once

#include <string>

#include "tools/map/port_map.h"

namespace portguard::tools {

/// A whole SVG file: no script, nothing from elsewhere, light and dark.
std::string svg_picture(const PortMap& map);

} // namespace portguard::tools
