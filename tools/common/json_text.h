// Parts of JSON answers. Only for files that build one: the library is costly to compile.
#pragma once

#include <string>

#include "core/port_set.h"
#include "explain/holder_json.h"

namespace portguard::tools {

/// "15000-65000", null where there is none.
Json json_of(PortRange range);

/// On one line, with its end, and escaped as line_of() does.
std::string text_of(const Json& document);

} // namespace portguard::tools
