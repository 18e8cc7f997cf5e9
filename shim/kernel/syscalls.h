// The system calls of look-ups that the preloaded object intercepts, or that a test wants to answer itself.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace portguard {

/// The defaults are libc's. Inside a program that we are preloaded into, those would come back through our
/// own hooks: the diagnosis module puts the real functions here.
struct Syscalls {
    int (*socket)(int domain, int type, int protocol) = ::socket;
    ssize_t (*send)(int fd, const void* data, size_t length, int flags) = ::send;
    ssize_t (*recv)(int fd, void* data, size_t length, int flags) = ::recv;
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
