// The map for machines.
#pragma once

#include <string>

#include "tools/map/port_map.h"

namespace portguard::tools {

/// One object, as share/portguard/map.schema.json describes it.
std::string json_report(const PortMap& map);

} // namespace portguard::tools
