#include "kernel/pidfd.h"

#include <cerrno>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/socket_option.h"

namespace portguard {
namespace {

ReuseFlags unknown_flags(int error) {
    ReuseFlags flags;
    flags.error = error;
    return flags;
}

} // namespace

// By number: glibc has names for both since 2.36 only. A close that succeeds leaves errno alone.
int borrow_fd(pid_t pid, int fd, const Syscalls& syscalls) {
    const ScopedFd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)), syscalls);
    if (!process.valid()) {
        return -1;
    }
    // SYS_pidfd_getfd is of glibc 2.32 and later.
    return static_cast<int>(syscall(__NR_pidfd_getfd, process.get(), fd, 0));
}

ReuseFlags read_reuse_flags(pid_t pid, int fd, ino_t inode, const Syscalls& syscalls) {
    const ScopedFd borrowed(borrow_fd(pid, fd, syscalls), syscalls);
    if (!borrowed.valid()) {
        return unknown_flags(errno);
    }
    struct stat file {};
    if (direct::fstat(borrowed.get(), &file) != 0) {
        return unknown_flags(errno);
    }
    if (file.st_ino != inode) {
        return unknown_flags(ESTALE);
    }
    int reuseaddr = 0;
    if (const long result = read_socket_option(borrowed.get(), SOL_SOCKET, SO_REUSEADDR, reuseaddr);
        result != 0) {
        return unknown_flags(static_cast<int>(-result));
    }
    ReuseFlags flags;
    flags.reuseaddr = reuseaddr != 0;
    flags.error = 0;
    int value = 0;
    if (const long result = read_socket_option(borrowed.get(), SOL_SOCKET, SO_REUSEPORT, value);
        result == 0) {
        flags.reuseport = value != 0;
    } else {
        flags.error = static_cast<int>(-result);
    }
    if (const long result = read_socket_option(borrowed.get(), SOL_SOCKET, SO_PROTOCOL, value); result == 0) {
        flags.mptcp = value == IPPROTO_MPTCP;
    } else {
        flags.error = static_cast<int>(-result);
    }
    return flags;
}

} // namespace portguard
