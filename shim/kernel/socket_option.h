// getsockopt(2) and setsockopt(2) of an int, past libc and whatever stands before it.
#pragma once

#include <sys/socket.h>
#include <sys/syscall.h>

#include "kernel/kernel_call.h"

namespace portguard {

/// False: the option cannot be read, and `value` is as it was.
inline bool read_socket_option(int fd, int level, int option, int& value) {
    int read = 0;
    socklen_t length = sizeof read;
    if (kernel_call(SYS_getsockopt, fd, level, option, as_argument(&read), as_argument(&length)) != 0) {
        return false;
    }
    value = read;
    return true;
}

/// `otherwise` where it cannot be read.
inline int socket_option_or(int fd, int level, int option, int otherwise) {
    read_socket_option(fd, level, option, otherwise);
    return otherwise;
}

/// 0, or -errno.
inline long set_socket_option(int fd, int level, int option, int value) {
    return kernel_call(SYS_setsockopt, fd, level, option, as_argument(&value), sizeof value);
}

} // namespace portguard
