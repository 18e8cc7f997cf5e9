// getsockopt(2) and setsockopt(2), past libc and whatever stands before it: errno stays as it is.
#pragma once

#include <optional>

#include <sys/socket.h>
#include <sys/syscall.h>

#include "core/socket_options.h"
#include "kernel/kernel_call.h"

namespace portguard {

/// 0, or -errno; `size` bytes at `value` are then as they were.
PORTGUARD_BY_REGISTERS long read_socket_option(int fd, int level, int option, void* value, socklen_t size);
template <typename Value>
long read_socket_option(int fd, int level, int option, Value& value) {
    return read_socket_option(fd, level, option, &value, sizeof value);
}

/// `otherwise` where it cannot be read.
PORTGUARD_BY_REGISTERS int socket_option_or(int fd, int level, int option, int otherwise);

inline std::optional<int> socket_option(int fd, int level, int option) {
    int value = 0;
    return read_socket_option(fd, level, option, value) == 0 ? std::optional(value) : std::nullopt;
}

/// 0, or -errno.
template <typename Value>
long set_socket_option(int fd, int level, int option, const Value& value) {
    return kernel_call(SYS_setsockopt, fd, level, option, as_argument(&value), sizeof value);
}
PORTGUARD_BY_REGISTERS long set_socket_option(int fd, int level, int option, int value);
inline long set_socket_switch(int fd, int level, int option, bool on) {
    return set_socket_option(fd, level, option, on ? 1 : 0);
}

} // namespace portguard
