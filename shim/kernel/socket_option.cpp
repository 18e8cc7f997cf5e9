#include "kernel/socket_option.h"

namespace portguard {

long read_socket_option(int fd, int level, int option, void* value, socklen_t size) {
    return kernel_call(SYS_getsockopt, fd, level, option, as_argument(value), as_argument(&size));
}

int socket_option_or(int fd, int level, int option, int otherwise) {
    read_socket_option(fd, level, option, otherwise);
    return otherwise;
}

long set_socket_option(int fd, int level, int option, int value) {
    return set_socket_option<int>(fd, level, option, value);
}

} // namespace portguard
