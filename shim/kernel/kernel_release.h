// The version of the running kernel, for what cannot be asked otherwise.
#pragma once

#include <string_view>

#include <sys/utsname.h>

#include "core/number.h"

namespace portguard {

/// False also where it cannot be told.
inline bool kernel_is_at_least(unsigned major, unsigned minor) {
    utsname system{};
    if (::uname(&system) != 0) {
        return false;
    }
    std::string_view release = system.release;
    const unsigned its_major = take_number<unsigned>(release).value_or(0);
    release.remove_prefix(release.starts_with('.') ? 1 : 0);
    const unsigned its_minor = take_number<unsigned>(release).value_or(0);
    return its_major > major || (its_major == major && its_minor >= minor);
}

} // namespace portguard
