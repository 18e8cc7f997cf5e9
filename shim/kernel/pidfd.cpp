#include "kernel/pidfd.h"

#include <cerrno>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace portguard {
namespace {

std::optional<bool> read_switch(int fd, int option) {
    int value = 0;
    socklen_t length = sizeof value;
    if (getsockopt(fd, SOL_SOCKET, option, &value, &length) != 0) {
        return std::nullopt;
    }
    return value != 0;
}

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
    return static_cast<int>(syscall(SYS_pidfd_getfd, process.get(), fd, 0));
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
    ReuseFlags flags;
    flags.reuseaddr = read_switch(borrowed.get(), SO_REUSEADDR);
    flags.reuseport = read_switch(borrowed.get(), SO_REUSEPORT);
    flags.error = flags.reuseaddr.has_value() ? 0 : errno;
    return flags;
}

} // namespace portguard
