// The system calls of look-ups, past the functions that libportguard.so intercepts.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/kernel_call.h"

namespace portguard {

/// System calls on descriptors of our own, past libc's functions. A thread sanitizer in the program keeps a
/// book of descriptors in those: what it sees opened by one thread and, since we close past our own hook,
/// never closed, it calls a race once another thread has the number. It must see all of a descriptor or
/// nothing.
namespace direct {

inline int open(const char* path, int flags) {
    return static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags));
}
inline ssize_t read(int fd, void* data, size_t length) {
    return syscall(SYS_read, fd, data, length);
}
inline ssize_t pread(int fd, void* data, size_t length, off_t offset) {
    return syscall(SYS_pread64, fd, data, length, offset);
}
inline int fstat(int fd, struct stat* out) {
    return static_cast<int>(syscall(call_fstat, fd, out));
}
inline ssize_t send(int fd, const void* data, size_t length, int flags) {
    return syscall(SYS_sendto, fd, data, length, flags, nullptr, 0);
}
inline ssize_t recv(int fd, void* data, size_t length, int flags) {
    return syscall(SYS_recvfrom, fd, data, length, flags, nullptr, nullptr);
}

} // namespace direct

/// What a look-up calls.
struct Syscalls {
    int (*socket)(int domain, int type, int protocol) = ::socket;
    ssize_t (*send)(int fd, const void* data, size_t length, int flags) = direct::send;
    ssize_t (*recv)(int fd, void* data, size_t length, int flags) = direct::recv;
    int (*poll)(pollfd* fds, nfds_t count, int timeout_ms) = ::poll;
    int (*close)(int fd) = ::close;
};

/// A descriptor of ours for the length of one look-up.
class ScopedFd {
public:
    ScopedFd(int fd, const Syscalls& syscalls) : fd_(fd), syscalls_(syscalls) {}
    ScopedFd(const ScopedFd&) = delete;
    ScopedFd& operator=(const ScopedFd&) = delete;
    ~ScopedFd() {
        if (fd_ >= 0) {
            syscalls_.close(fd_);
        }
    }

    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] bool valid() const { return fd_ >= 0; }

private:
    int fd_;
    const Syscalls& syscalls_;
};

} // namespace portguard
