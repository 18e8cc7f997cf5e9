#include "explain/log_writer_stub.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log_path.h"
#include "core/text.h"

namespace portguard::log_writer {
namespace {

Outcome write_all(int fd, std::string_view block) {
    while (!block.empty()) {
        const ssize_t count = ::write(fd, block.data(), block.size());
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return Outcome::lost;
        }
        block.remove_prefix(static_cast<std::size_t>(count));
    }
    return Outcome::written;
}

Outcome write_to_file(const char* pattern, std::int32_t pid, std::string_view block) {
    Text<log_path_capacity> path;
    print_log_path(pattern, static_cast<std::uint64_t>(pid), path);
    path.add('\0');
    const int fd =
        path.truncated()
            ? -1
            : ::open(path.view().data(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                     S_IRUSR | S_IWUSR | S_IRGRP);
    if (fd < 0) {
        return Outcome::lost;
    }
    struct stat about {};
    const bool is_trusted = fstat(fd, &about) == 0 && (S_ISREG(about.st_mode) || S_ISFIFO(about.st_mode)) &&
                            (about.st_uid == geteuid() || about.st_uid == 0) && about.st_nlink <= 1 &&
                            (about.st_mode & S_IWOTH) == 0;
    const Outcome outcome = is_trusted ? write_all(fd, block) : Outcome::lost;
    ::close(fd);
    return outcome;
}

} // namespace

Outcome write(const Config& config, std::int32_t pid, bool stderr_is_ours, Level /*level*/,
              std::string_view block) {
    switch (config.log.kind) {
    case LogKind::none: return Outcome::written;
    case LogKind::file: return write_to_file(config.log.path, pid, block);
    case LogKind::standard_error: break;
    }
    return stderr_is_ours ? write_all(STDERR_FILENO, block) : Outcome::lost;
}

Outcome record(const Config& config, std::int32_t pid, std::string_view block) {
    return config.record[0] == '\0' ? Outcome::written : write_to_file(config.record, pid, block);
}

} // namespace portguard::log_writer
