// getsockopt(2) and setsockopt(2), past libc and whatever stands before it: errno stays as it is.
#pragma once

#include <optional>

#include <sys/socket.h>
#include <sys/syscall.h>

#include "core/socket_options.h"
#include "kernel/kernel_call.h"

namespace portguard {

/// 0, or -errno; `value` is then as it was.
template <typename Value>
long read_socket_option(int fd, int level, int option, Value& value) {
    Value read{};
    socklen_t length = sizeof read;
    const long result =
        kernel_call(SYS_getsockopt, fd, level, option, as_argument(&read), as_argument(&length));
    if (result == 0) {
        value = read;
    }
    return result;
}

/// `otherwise` where it cannot be read.
inline int socket_option_or(int fd, int level, int option, int otherwise) {
    read_socket_option(fd, level, option, otherwise);
    return otherwise;
}

inline std::optional<int> socket_option(int fd, int level, int option) {
    int value = 0;
    return read_socket_option(fd, level, option, value) == 0 ? std::optional(value) : std::nullopt;
}

/// 0, or -errno.
template <typename Value>
long set_socket_option(int fd, int level, int option, const Value& value) {
    return kernel_call(SYS_setsockopt, fd, level, option, as_argument(&value), sizeof value);
}
inline long set_socket_switch(int fd, int level, int option, bool on) {
    return set_socket_option(fd, level, option, on ? 1 : 0);
}

} // namespace portguard
