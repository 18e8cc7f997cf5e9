// Writing a picture where somebody asked for it.
#pragma once

#include <string>
#include <string_view>

namespace portguard::tools {

/// The file holds `text` whole, or what it held before. Throws Refusal.
void replace_file(const std::string& path, std::string_view text);

} // namespace portguard::tools
