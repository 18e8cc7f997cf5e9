// The words of the command line, read after a Command. The one place that knows the parser library, which is
// costly to compile.
#pragma once

#include <string>
#include <vector>

#include "tools/cli/command.h"

namespace portguard::tools {

/// `words` is what follows the command's name. Throws Refusal.
Arguments parse_command_line(const Command& command, const std::vector<std::string>& words);

} // namespace portguard::tools
