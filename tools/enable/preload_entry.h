// How libportguard.so is named in /etc/ld.so.preload.
#pragma once

#include <string>
#include <vector>

#include "tools/enable/loaders.h"

namespace portguard::tools {

/// With $LIB for the folders that a loader picks by its word size, where the one of this command finds
/// `library` by it; else the path.
std::string preload_entry(const std::string& library, const std::vector<Loader>& loaders);

} // namespace portguard::tools
