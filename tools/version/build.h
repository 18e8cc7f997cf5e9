// What this command was built from. One file knows it, so that a commit compiles no other anew.
#pragma once

#include <string_view>

namespace portguard::tools {

std::string_view build_version();
/// Empty: unknown.
std::string_view build_commit();

} // namespace portguard::tools
