#include "kernel/log_file.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/log_path.h"
#include "core/text.h"
#include "kernel/kernel_call.h"
#include "kernel/log_attempt.h"

namespace portguard::log_writer {
namespace {

bool status_of(long fd, struct stat& status) {
    return kernel_call(call_fstat, fd, as_argument(&status)) == 0;
}

long open_below(long folder, const char* name, long flags) {
    constexpr long mode = S_IRUSR | S_IWUSR | S_IRGRP;
    return above_standard(
        kernel_call(SYS_openat, folder, as_argument(name), flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, mode));
}

/// Where everybody may make a link, none is followed.
bool is_public(long folder) {
    struct stat status {};
    return !status_of(folder, status) || (status.st_mode & S_IWOTH) != 0;
}

Attempt write_to_open_file(int fd, std::string_view block) {
    struct stat status {};
    if (!status_of(fd, status)) {
        return not_opened(-EBADF);
    }
    const Distrust distrust = distrust_of(status, static_cast<uid_t>(kernel_call(call_geteuid)));
    if (distrust != Distrust::none) {
        return {words_for(distrust)};
    }
    return S_ISFIFO(status.st_mode) ? write_to_pipe(fd, Manner::nonblocking, block) : append(fd, block);
}

/// Blocks for what will be written, so that a full disk or quota refuses all of it instead of cutting a line.
/// Where the file system cannot, that is found out by writing.
long reserve(int fd, off_t end, long size) {
    const long result = call_fallocate(fd, FALLOC_FL_KEEP_SIZE, static_cast<std::uint64_t>(end),
                                       static_cast<std::uint64_t>(size));
    return result == -ENOSPC || result == -EDQUOT ? result : 0;
}

/// RLIMIT_FSIZE would cut a write that passes it.
bool is_within_limit(off_t end, long size) {
    rlimit limit{};
    return kernel_call(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, as_argument(&limit)) != 0 ||
           static_cast<rlim_t>(end) + static_cast<rlim_t>(size) <= limit.rlim_cur;
}

/// 0, or -errno.
long make_room(int fd, std::size_t size) {
    struct stat status {};
    if (!status_of(fd, status) || !S_ISREG(status.st_mode)) {
        return 0;
    }
    if (!is_within_limit(status.st_size, static_cast<long>(size))) {
        return -EFBIG;
    }
    return reserve(fd, status.st_size, static_cast<long>(size));
}

} // namespace

Distrust distrust_of(const struct stat& status, uid_t user) {
    if (S_ISLNK(status.st_mode)) {
        return Distrust::link;
    }
    if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode)) {
        return Distrust::kind;
    }
    if (status.st_nlink > 1) {
        return Distrust::second_name;
    }
    const bool is_ours = status.st_uid == user || status.st_uid == 0;
    return is_ours && (status.st_mode & S_IWOTH) == 0 ? Distrust::none : Distrust::owner;
}

const char* words_for(Distrust distrust) {
    switch (distrust) {
    case Distrust::none: break;
    case Distrust::link: return "is a link, which is not followed";
    case Distrust::kind: return "is neither a plain file nor a FIFO";
    case Distrust::second_name: return "is a second name of another file";
    case Distrust::owner: return "belongs to another user, or everybody may write to it";
    }
    return "";
}

LogFolder open_log_folder(std::string_view path) {
    constexpr long flags = O_PATH | O_DIRECTORY;
    const char* const start = path.data();
    LogFolder folder{open_below(AT_FDCWD, path.starts_with('/') ? "/" : ".", flags), path, {}, false};
    while (folder.fd >= 0 && folder.name.find('/') != std::string_view::npos) {
        const std::string_view name = next_field(folder.name, '/');
        if (name.empty()) {
            continue;
        }
        folder.reached = {start, static_cast<std::size_t>(name.data() + name.size() - start)};
        folder.is_public = is_public(folder.fd);
        Text<log_path_capacity> terminated;
        terminated.add(name).add('\0');
        const long next =
            open_below(folder.fd, terminated.view().data(), flags | (folder.is_public ? O_NOFOLLOW : 0));
        kernel_call(SYS_close, folder.fd);
        folder.fd = next;
    }
    return folder;
}

/// One write for a block of lines: O_APPEND keeps those of other processes whole.
Attempt append(int fd, std::string_view block) {
    long count = make_room(fd, block.size());
    if (count != 0) {
        return not_written(count);
    }
    do {
        count = kernel_call(SYS_write, fd, as_argument(block.data()), static_cast<long>(block.size()));
    } while (count == -EINTR);
    // A rest would not go in either: the disk is full.
    return count == static_cast<long>(block.size()) ? done : not_written(count < 0 ? count : -ENOSPC);
}

Attempt write_to_file(const char* pattern, std::int32_t pid, std::string_view block) {
    Text<log_path_capacity> path;
    print_log_path(pattern, static_cast<std::uint64_t>(pid), path);
    path.add('\0');
    if (path.truncated()) {
        return {"is too long with the pid in it"};
    }
    const LogFolder folder = open_log_folder(path.view());
    if (folder.fd < 0) {
        return not_opened(folder.fd);
    }
    const long fd = open_below(folder.fd, folder.name.data(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW);
    kernel_call(SYS_close, folder.fd);
    if (fd < 0) {
        return not_opened(fd);
    }
    const Attempt attempt = write_to_open_file(static_cast<int>(fd), block);
    kernel_call(SYS_close, fd);
    return attempt;
}

} // namespace portguard::log_writer
