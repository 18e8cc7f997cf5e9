// errno(3) by name: those that bind, listen, connect and setsockopt return, and those of our own calls that a
// report names.
#pragma once

#include <optional>
#include <string_view>

#include "core/text.h"

namespace portguard {

/// "EACCES"; empty for an errno without a name here.
std::string_view errno_name(int value);
std::optional<int> errno_named(std::string_view name);

/// "EADDRINUSE"; "errno 71" where it has no name here.
void print_errno(int error, TextWriter& out);

} // namespace portguard
