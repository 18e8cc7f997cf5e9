// --json: answers for machines. JSON stays out of the other headers, since its own is costly to compile.
#pragma once

#include <string>

#include "tools/cli/command.h"

namespace portguard::tools {

/// For Command::own.
inline constexpr Parameter json_parameter{"json", "", "", "answer with one JSON object on one line"};

/// Of every answer.
inline constexpr int json_schema_version = 1;

} // namespace portguard::tools
