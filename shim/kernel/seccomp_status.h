// What /proc/PID/status says of filters of system calls (proc_pid_status(5)).
#pragma once

#include <string_view>

namespace portguard {

inline bool has_seccomp_filter(std::string_view status) {
    return status.find("\nSeccomp:\t2") != std::string_view::npos;
}

} // namespace portguard
