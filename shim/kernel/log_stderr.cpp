// Descriptor 2: whatever the program was started with.
#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/kernel_call.h"
#include "kernel/log_attempt.h"
#include "kernel/socket_option.h"

namespace portguard::log_writer {
namespace {

/// /dev/null and its like (Documentation/admin-guide/devices.txt): never a terminal, never waiting. major(3)
/// is a function of libc's, which the preloaded object would have to look up in every exec.
bool is_memory_device(dev_t device) {
    constexpr dev_t memory_devices = 1;
    return (device >> 8 & 0xfff) == memory_devices && device >> 44 == 0;
}

bool status_of(int fd, struct stat& status) {
    return kernel_call(call_fstat, fd, as_argument(&status)) == 0;
}

bool is_unix_socket(int fd) {
    return socket_option_or(fd, SOL_SOCKET, SO_DOMAIN, AF_UNSPEC) == AF_UNIX;
}

bool has_flag(int fd, int flag) {
    const long flags = kernel_call(SYS_fcntl, fd, F_GETFL);
    return flags >= 0 && (flags & flag) != 0;
}

/// The same file as descriptor 2 with flags of our own: those of 2 belong to whoever shares it.
/// "thread-self": a thread may have descriptors of its own (unshare(2), CLONE_FILES).
long open_anew() {
    constexpr long flags = O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    return above_standard(kernel_call(SYS_openat, AT_FDCWD, as_argument("/proc/thread-self/fd/2"), flags));
}

/// Where the terminal belongs to somebody else (after su): by the name that every process may open, if it is
/// the same.
long open_controlling_terminal() {
    constexpr long flags = O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    const long fd = above_standard(kernel_call(SYS_openat, AT_FDCWD, as_argument("/dev/tty"), flags));
    unsigned ours = 0;
    unsigned theirs = 0;
    if (fd < 0 ||
        (kernel_call(SYS_ioctl, fd, TIOCGDEV, as_argument(&ours)) == 0 &&
         kernel_call(SYS_ioctl, STDERR_FILENO, TIOCGDEV, as_argument(&theirs)) == 0 && ours == theirs)) {
        return fd;
    }
    kernel_call(SYS_close, fd);
    return -EACCES;
}

/// A chroot's /proc may be anything.
bool is_descriptor_2(long fd, const struct stat& expected) {
    struct stat status {};
    return fd >= 0 && status_of(static_cast<int>(fd), status) && status.st_dev == expected.st_dev &&
           status.st_ino == expected.st_ino;
}

Attempt write_to_character_device(const struct stat& status, std::string_view block) {
    if (is_memory_device(status.st_rdev)) {
        return append(STDERR_FILENO, block);
    }
    if (has_flag(STDERR_FILENO, O_NONBLOCK)) {
        return write_to_terminal(STDERR_FILENO, block);
    }
    long fd = open_anew();
    if (fd >= 0 && !is_descriptor_2(fd, status)) {
        kernel_call(SYS_close, fd);
        fd = -ENOENT;
    }
    if (fd < 0) {
        fd = open_controlling_terminal();
    }
    if (fd < 0) {
        return {"cannot be opened without waiting", static_cast<int>(-fd)};
    }
    const Attempt attempt = write_to_terminal(static_cast<int>(fd), block);
    kernel_call(SYS_close, fd);
    return attempt;
}

/// A pipe of another user's (a container's, once the program has dropped its privileges) cannot be opened
/// anew.
Attempt write_to_fifo(const struct stat& status, std::string_view block) {
    if (has_flag(STDERR_FILENO, O_NONBLOCK)) {
        return write_to_pipe(STDERR_FILENO, Manner::nonblocking, block);
    }
    const long fd = open_anew();
    const Attempt attempt = is_descriptor_2(fd, status)
                                ? write_to_pipe(static_cast<int>(fd), Manner::nonblocking, block)
                                : write_to_pipe(STDERR_FILENO, Manner::shared, block);
    if (fd >= 0) {
        kernel_call(SYS_close, fd);
    }
    return attempt;
}

} // namespace

long above_standard(long fd) {
    if (fd < 0 || fd > STDERR_FILENO) {
        return fd;
    }
    const long moved = kernel_call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    kernel_call(SYS_close, fd);
    return moved;
}

bool is_writable_now(int fd) {
    pollfd question{fd, POLLOUT, 0};
    timespec no_wait{};
    return kernel_call(SYS_ppoll, as_argument(&question), 1, as_argument(&no_wait), 0, 0) == 1 &&
           (question.revents & POLLOUT) != 0;
}

bool Patience::is_worth_waiting(int fd) {
    if (turns_ == 0) {
        return false;
    }
    --turns_;
    pollfd question{fd, POLLOUT, 0};
    timespec turn{0, turn_ms * 1'000'000L};
    const long count = kernel_call(SYS_ppoll, as_argument(&question), 1, as_argument(&turn), 0, 0);
    return count == 0 || count == -EINTR || (count == 1 && (question.revents & POLLOUT) != 0);
}

bool may_hold_reports(int fd) {
    struct stat status {};
    if (!status_of(fd, status)) {
        return false;
    }
    switch (status.st_mode & S_IFMT) {
    case S_IFREG: return has_flag(fd, O_APPEND);
    case S_IFSOCK: return is_unix_socket(fd);
    case S_IFIFO:
    case S_IFCHR: return true;
    default: return false;
    }
}

Attempt write_to_descriptor_2(std::string_view block) {
    struct stat status {};
    if (!status_of(STDERR_FILENO, status)) {
        return {"is closed"};
    }
    switch (status.st_mode & S_IFMT) {
    case S_IFREG: return append(STDERR_FILENO, block);
    case S_IFSOCK: return write_to_unix_socket(STDERR_FILENO, block);
    case S_IFIFO: return write_to_fifo(status, block);
    case S_IFCHR: return write_to_character_device(status, block);
    default: return {"is not what reports may go to"};
    }
}

} // namespace portguard::log_writer
