// --help, made from the same data as the parser.
#pragma once

#include <string>

#include "tools/cli/command.h"

namespace portguard::tools {

/// "portguard run [OPTIONS] [--] PROGRAM [ARGUMENT...]", with its end of line.
std::string usage_line(const Command& command);

/// `portguard --help`.
std::string help_text();
/// `portguard COMMAND --help`.
std::string help_text(const Command& command);

} // namespace portguard::tools
