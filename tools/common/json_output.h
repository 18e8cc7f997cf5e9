// --json: answers for machines. JSON stays out of the other headers, since its own is costly to compile.
#pragma once

#include <string>

#include "tools/cli/command.h"

namespace portguard::tools {

/// For Command::own. The command line takes --format=json for it as well.
inline constexpr Parameter json_parameter{.name = "json",
                                          .values = "",
                                          .fallback = "",
                                          .help = "one JSON object on one line; or --format=json",
                                          .letter = 'j'};

/// Of every answer.
inline constexpr int json_schema_version = 1;

} // namespace portguard::tools
