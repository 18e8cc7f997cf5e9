// What the command says of itself, made from the same data as the parser: --help, the man page and
// completion.
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

/// A script for bash(1) to source.
std::string bash_completion();

/// portguard(1), in the language of man(7).
std::string man_page();

} // namespace portguard::tools
