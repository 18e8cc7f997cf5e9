// A file that is there whole, or as it was before.
#pragma once

#include <string>
#include <string_view>

#include <sys/types.h>

namespace portguard::tools {

/// By a file beside it and rename(2), so that no reader sees half of it. 0, or an errno: nothing has changed.
int write_replacing(const std::string& path, std::string_view text, mode_t mode);

/// "/var/lib" of "/var/lib/ports.prom", "." of "ports.prom".
std::string folder_of(const std::string& path);

} // namespace portguard::tools
