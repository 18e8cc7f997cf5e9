// Text for the person at the terminal.
#pragma once

#include <string>
#include <string_view>

namespace portguard::tools {

/// Somebody else's text (a path, a word of the command line), with what a terminal could act on shown as '?'.
std::string shown(std::string_view text);

/// Writes to standard output at once; throws Refusal where that fails (a full disk, a closed pipe).
void print(std::string_view text);

} // namespace portguard::tools
