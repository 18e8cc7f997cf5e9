// The version of the running kernel, for what cannot be asked otherwise.
#pragma once

#include <cstdlib>

#include <sys/utsname.h>

namespace portguard {

/// False also where it cannot be told.
inline bool kernel_is_at_least(long major, long minor) {
    utsname system{};
    if (::uname(&system) != 0) {
        return false;
    }
    char* end = nullptr;
    const long its_major = std::strtol(system.release, &end, 10);
    const long its_minor = *end == '.' ? std::strtol(end + 1, nullptr, 10) : 0;
    return its_major > major || (its_major == major && its_minor >= minor);
}

} // namespace portguard
