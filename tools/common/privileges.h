// Would executing a file raise privileges? Then the loader ignores LD_PRELOAD entries with a slash (ld.so(8),
// secure-execution mode) and says nothing.
#pragma once

#include <string>

#include "tools/common/elf_file.h"

namespace portguard::tools {

/// Why it would, such as "is set-user-ID root"; empty: it would not for this caller.
std::string privilege_gain(const std::string& path);

/// Whether a security.capability attribute (struct vfs_cap_data, linux/capability.h) grants anything to a
/// user other than root.
bool grants_capabilities(Bytes attribute);

} // namespace portguard::tools
