// Texts for a shell and for man(1), made from the same data as the parser.
#pragma once

#include <string>

namespace portguard::tools {

/// A script for bash(1) to source.
std::string bash_completion();

/// portguard(1), in the language of man(7).
std::string man_page();

} // namespace portguard::tools
