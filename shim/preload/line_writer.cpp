#include "preload/line_writer.h"

#include <algorithm>
#include <atomic>
#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/event.h"
#include "core/log_path.h"
#include "core/text.h"
#include "kernel/kernel_call.h"
#include "preload/start_page.h"

namespace portguard::line_writer {
namespace {

// A pipe that poll calls writable takes this much without blocking (pipe(7), PIPE_BUF).
constexpr std::size_t safe_piece = 4096;

PORTGUARD_ON_START_PAGE constinit std::atomic<bool> has_standard_error{false};
PORTGUARD_ON_START_PAGE constinit std::atomic<dev_t> standard_error_device{0};
PORTGUARD_ON_START_PAGE constinit std::atomic<ino_t> standard_error_inode{0};
constinit std::atomic<std::uint32_t> dropped{0};

bool file_status(int fd, struct stat& status) {
    return kernel_call(SYS_fstat, fd, as_argument(&status)) == 0;
}

bool is_standard_error_ours() {
    struct stat status {};
    return has_standard_error.load(std::memory_order_relaxed) && file_status(STDERR_FILENO, status) &&
           status.st_dev == standard_error_device.load(std::memory_order_relaxed) &&
           status.st_ino == standard_error_inode.load(std::memory_order_relaxed);
}

bool is_writable_now(int fd) {
    pollfd question{fd, POLLOUT, 0};
    timespec no_wait{};
    const long count = kernel_call(SYS_ppoll, as_argument(&question), 1, as_argument(&no_wait), 0, 0);
    return count == 1 && (question.revents & POLLOUT) != 0;
}

bool write_pieces(int fd, std::string_view lines, std::size_t piece) {
    while (!lines.empty()) {
        if (!is_writable_now(fd)) {
            return false;
        }
        const long count = kernel_call(SYS_write, fd, as_argument(lines.data()),
                                       static_cast<long>(std::min(lines.size(), piece)));
        if (count == -EINTR) {
            continue;
        }
        if (count <= 0) {
            return false;
        }
        lines.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

/// False: the pid makes it longer than any path of ours.
bool expand_path(const char* pattern, long pid, Text<log_path_capacity>& path) {
    print_log_path(pattern, static_cast<std::uint64_t>(pid), path);
    path.add('\0');
    return !path.truncated();
}

/// A log in a folder that others may write to could be anything: only a file or FIFO of ours or root's, which
/// nobody else can replace or fill, and which is no other file's second name, is written to (H32).
bool is_trusted(int fd) {
    struct stat status {};
    if (!file_status(fd, status) || (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode))) {
        return false;
    }
    const auto user = static_cast<uid_t>(kernel_call(SYS_geteuid));
    return (status.st_uid == user || status.st_uid == 0) && (status.st_mode & S_IWOTH) == 0 &&
           status.st_nlink <= 1;
}

/// A program that closed one of 0, 1, 2 must not find our file there, however briefly it matters.
int above_standard(long fd) {
    if (fd < 0 || fd > STDERR_FILENO) {
        return static_cast<int>(fd);
    }
    const long moved = kernel_call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    kernel_call(SYS_close, fd);
    return static_cast<int>(moved);
}

int open_below(int folder, const char* name, long flags) {
    constexpr long mode = S_IRUSR | S_IWUSR | S_IRGRP;
    return above_standard(
        kernel_call(SYS_openat, folder, as_argument(name), flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, mode));
}

/// Where everybody may make a link, none is followed.
long link_flags(int folder) {
    struct stat status {};
    return file_status(folder, status) && (status.st_mode & S_IWOTH) == 0 ? 0 : O_NOFOLLOW;
}

/// The folder of `path`, whose own name is left in `path`; negative: there is none that can be trusted.
int open_folder(std::string_view& path) {
    constexpr long flags = O_PATH | O_DIRECTORY;
    int folder = open_below(AT_FDCWD, path.starts_with('/') ? "/" : ".", flags);
    while (folder >= 0 && path.find('/') != std::string_view::npos) {
        const std::string_view name = next_field(path, '/');
        if (name.empty()) {
            continue;
        }
        Text<log_path_capacity> terminated;
        terminated.add(name).add('\0');
        const int next = open_below(folder, terminated.view().data(), flags | link_flags(folder));
        kernel_call(SYS_close, folder);
        folder = next;
    }
    return folder;
}

bool write_to_file(const char* pattern, std::string_view lines) {
    Text<log_path_capacity> path;
    if (!expand_path(pattern, kernel_call(SYS_getpid), path)) {
        return false;
    }
    std::string_view name = path.view();
    const int folder = open_folder(name);
    if (folder < 0) {
        return false;
    }
    const int fd = open_below(folder, name.data(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW);
    kernel_call(SYS_close, folder);
    if (fd < 0) {
        return false;
    }
    // One write for one block of lines: O_APPEND keeps those of other processes whole.
    const bool written = is_trusted(fd) && write_pieces(fd, lines, lines.size());
    kernel_call(SYS_close, fd);
    return written;
}

bool write_now(LogKind kind, const char* path, std::string_view lines) {
    switch (kind) {
    case LogKind::none: return true;
    case LogKind::file: return write_to_file(path, lines);
    case LogKind::standard_error: break;
    }
    return is_standard_error_ours() && write_pieces(STDERR_FILENO, lines, safe_piece);
}

void tell_dropped(LogKind kind, const char* path) {
    const std::uint32_t count = dropped.exchange(0, std::memory_order_relaxed);
    if (count == 0) {
        return;
    }
    Text<96> line;
    line.add("portguard: ").add_number(count).add(lost_events_note).add('\n');
    if (!write_now(kind, path, line.view())) {
        dropped.fetch_add(count, std::memory_order_relaxed);
    }
}

} // namespace

void remember_standard_error() {
    struct stat status {};
    if (file_status(STDERR_FILENO, status)) {
        standard_error_device.store(status.st_dev, std::memory_order_relaxed);
        standard_error_inode.store(status.st_ino, std::memory_order_relaxed);
        has_standard_error.store(true, std::memory_order_relaxed);
    }
}

void write_to_standard_error(std::string_view lines) {
    write(LogKind::standard_error, nullptr, lines);
}

void write(LogKind kind, const char* path, std::string_view lines) {
    if (write_now(kind, path, lines)) {
        tell_dropped(kind, path);
    } else {
        dropped.fetch_add(1, std::memory_order_relaxed);
    }
}

} // namespace portguard::line_writer
