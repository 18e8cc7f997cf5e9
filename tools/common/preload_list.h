// LD_PRELOAD: where the shim lies, and in which order it stands among others.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace portguard::tools {

inline constexpr const char* preload_variable = "LD_PRELOAD";
inline constexpr std::string_view shim_name = "libportguard.so";

/// The absolute path of libportguard.so as this command was built or installed with it. Throws Refusal where
/// it is missing, or LD_PRELOAD cannot express its path.
std::string find_shim();

/// `existing` with `shim` before its entries, but after the sanitizer run-times among them and among `needed`
/// (sonames that program or shim need): ASan refuses to start where it is not the first object.
std::string preload_list(const std::string& shim, std::string_view existing,
                         const std::vector<std::string>& needed);

} // namespace portguard::tools
