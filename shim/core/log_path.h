// The path of a log as the guard opens it.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/text.h"

namespace portguard {

/// `pattern` with the pid for each "%p".
inline void print_log_path(std::string_view pattern, std::uint64_t pid, TextWriter& path) {
    while (!pattern.empty()) {
        if (starts_with(pattern, "%p")) {
            path.add_number(pid);
            pattern.remove_prefix(2);
        } else {
            path.add(pattern.front());
            pattern.remove_prefix(1);
        }
    }
}

} // namespace portguard
