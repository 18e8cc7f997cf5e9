#include "kernel/proc.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/text.h"

namespace portguard {
namespace {

constexpr std::size_t longest_command_line = 4096;
constexpr std::size_t longest_status = 4096;
constexpr std::size_t most_ancestors = 16;

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

/// A path below /proc, without a formatter that knows locales.
class ProcPath {
public:
    ProcPath(pid_t pid, std::string_view leaf) {
        text_.add("/proc/").add_number(static_cast<std::uint64_t>(pid)).add('/').add(leaf).add('\0');
    }
    [[nodiscard]] const char* c_str() const { return text_.view().data(); }

private:
    Text<64> text_;
};

/// The entries of a folder whose names are numbers. By getdents64(2) and not readdir(3), which allocates per
/// folder. `visit` returns false to end the walk. False: the folder could not be read to its end.
template <typename Visit>
bool for_each_number(int folder, Visit visit) {
    alignas(dirent64) std::array<char, 8192> entries;
    while (true) {
        const ssize_t length = getdents64(folder, entries.data(), entries.size());
        if (length <= 0) {
            return length == 0;
        }
        for (ssize_t offset = 0; offset < length;) {
            const auto* entry = reinterpret_cast<const dirent64*>(entries.data() + offset);
            offset += entry->d_reclen;
            const auto number = parse_number<int>(entry->d_name);
            if (number.has_value() && !visit(*number)) {
                return true;
            }
        }
    }
}

/// The descriptors of one process that are one of `inodes`.
class FdSearch {
public:
    FdSearch(pid_t pid, int folder, std::span<const std::uint32_t> inodes, std::vector<FdOwner>& out)
        : pid_(pid), folder_(folder), inodes_(inodes), out_(out) {}

    /// Looks at `fd`; false: there is none.
    bool look_at(int fd) {
        std::array<char, 64> link;
        std::array<char, 16> name{};
        std::to_chars(name.data(), name.data() + name.size() - 1, fd);
        const ssize_t length = readlinkat(folder_, name.data(), link.data(), link.size());
        if (length <= 0) {
            // The folder of a stranger's process opens for root in a user namespace, and shows nothing.
            // Whatever else keeps us from reading hides an owner just so; only a number that is free does
            // not.
            forbidden_ = forbidden_ || (errno != ENOENT && errno != ESRCH);
            return false;
        }
        const auto inode = parse_socket_link({link.data(), static_cast<std::size_t>(length)});
        if (inode.has_value() && std::binary_search(inodes_.begin(), inodes_.end(), *inode)) {
            out_.push_back({*inode, pid_, fd});
        }
        return true;
    }

    /// Tries the numbers from 0 on until `count` were there: to list the folder costs the kernel as much
    /// again as to look at each, and numbers are mostly dense. Returns where the search ended, or -1: all
    /// were found.
    int try_numbers(std::size_t count, const Deadline& deadline) {
        int misses = 0;
        int fd = 0;
        while (count != 0 && !forbidden_) {
            if (misses == most_misses || (fd % often == 0 && deadline.passed())) {
                return fd;
            }
            const bool there = look_at(fd++);
            count -= there ? 1 : 0;
            misses += there ? 0 : 1;
        }
        return -1;
    }

    [[nodiscard]] bool forbidden() const { return forbidden_; }

private:
    static constexpr int most_misses = 2;
    static constexpr int often = 256;

    pid_t pid_;
    int folder_;
    std::span<const std::uint32_t> inodes_;
    std::vector<FdOwner>& out_;
    bool forbidden_ = false;
};

/// How many descriptors a process has, as its folder of them says since Linux 6.2.
std::size_t count_fds(int folder) {
    struct stat about {};
    return direct::fstat(folder, &about) == 0 ? static_cast<std::size_t>(about.st_size) : 0;
}

/// Whether this kernel tells: a process that asks has at least the descriptor it asks by.
bool are_fds_counted(const Syscalls& syscalls) {
    const ScopedFd own(direct::open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC), syscalls);
    return own.valid() && count_fds(own.get()) != 0;
}

/// Appends the descriptors of `pid` that are one of `inodes`. False: not ours to see.
bool collect_fds(pid_t pid, std::span<const std::uint32_t> inodes, bool counted, const Deadline& deadline,
                 const Syscalls& syscalls, std::vector<FdOwner>& out) {
    const ScopedFd folder(direct::open(ProcPath(pid, "fd").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                          syscalls);
    if (!folder.valid()) {
        return errno == ENOENT || errno == ESRCH;
    }
    FdSearch search(pid, folder.get(), inodes, out);
    const int from = counted ? search.try_numbers(count_fds(folder.get()), deadline) : 0;
    if (from < 0 || search.forbidden()) {
        return !search.forbidden();
    }
    // Its entries stand behind "." and ".." in the order of their numbers (proc_readfd_common() in
    // fs/proc/fd.c).
    lseek(folder.get(), from == 0 ? 0 : from + 2, SEEK_SET);
    const bool complete = for_each_number(folder.get(), [&](int fd) {
        if (fd >= from) {
            search.look_at(fd);
        }
        return !search.forbidden() && !deadline.passed();
    });
    return !search.forbidden() && (complete || errno == ENOENT || errno == ESRCH);
}

std::optional<ProcessStatus> read_status(pid_t pid, const Syscalls& syscalls) {
    const auto text = read_text_file(ProcPath(pid, "status").c_str(), longest_status, syscalls);
    if (!text.has_value()) {
        return std::nullopt;
    }
    return parse_status(*text);
}

std::optional<std::uint64_t> inode_of(const char* path) {
    struct stat file {};
    if (stat(path, &file) != 0) {
        return std::nullopt;
    }
    return file.st_ino;
}

} // namespace

std::optional<std::uint32_t> parse_socket_link(std::string_view link) {
    constexpr std::string_view prefix = "socket:[";
    if (!link.starts_with(prefix) || !link.ends_with(']')) {
        return std::nullopt;
    }
    return parse_number<std::uint32_t>(link.substr(prefix.size(), link.size() - prefix.size() - 1));
}

ProcessStatus parse_status(std::string_view text) {
    ProcessStatus status;
    while (!text.empty()) {
        std::string_view value = next_field(text, '\n');
        const std::string_view key = next_field(value, ':');
        value = trimmed(value);
        if (key == "Name") {
            status.name = value;
        } else if (key == "PPid") {
            status.parent = parse_number<pid_t>(value).value_or(0);
        } else if (key == "NSpgid" || key == "NSsid") {
            // As this pid namespace counts; those below follow.
            (key == "NSsid" ? status.session : status.group) =
                parse_number<pid_t>(next_field(value, '\t')).value_or(0);
        } else if (key == "Uid") {
            next_field(value, '\t'); // the real one
            status.uid = parse_number<uid_t>(next_field(value, '\t'));
        }
    }
    return status;
}

std::vector<std::string> parse_command_line(std::string_view bytes) {
    std::vector<std::string> arguments;
    while (!bytes.empty()) {
        arguments.emplace_back(next_field(bytes, '\0'));
    }
    return arguments;
}

std::optional<std::string> read_text_file(const char* path, std::size_t limit, const Syscalls& syscalls) {
    const ScopedFd file(direct::open(path, O_RDONLY | O_CLOEXEC), syscalls);
    if (!file.valid()) {
        return std::nullopt;
    }
    std::string text(limit, '\0');
    std::size_t used = 0;
    while (used < limit) {
        const ssize_t length = direct::read(file.get(), text.data() + used, limit - used);
        if (length < 0 && errno == EINTR) {
            continue;
        }
        if (length < 0) {
            return std::nullopt;
        }
        if (length == 0) {
            break;
        }
        used += static_cast<std::size_t>(length);
    }
    text.resize(used);
    return text;
}

OwnerSearch find_owners(std::span<const std::uint32_t> inodes, const Deadline& deadline,
                        const Syscalls& syscalls) {
    OwnerSearch search;
    if (inodes.empty()) {
        return search;
    }
    const ScopedFd processes(direct::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), syscalls);
    if (!processes.valid()) {
        search.error = errno;
        return search;
    }
    const bool counted = are_fds_counted(syscalls);
    bool seen_any = false;
    for_each_number(processes.get(), [&](int pid) {
        seen_any = true;
        if (!deadline.passed() && !collect_fds(pid, inodes, counted, deadline, syscalls, search.owners)) {
            ++search.hidden;
        }
        search.cut_short = deadline.passed();
        return !search.cut_short;
    });
    // A folder without processes is not procfs: a chroot has an empty one.
    search.error = seen_any ? 0 : ENOENT;
    return search;
}

std::optional<ProcessInfo> read_process(pid_t pid, const Syscalls& syscalls) {
    auto status = read_status(pid, syscalls);
    if (!status.has_value()) {
        return std::nullopt;
    }
    ProcessInfo info;
    info.pid = pid;
    info.comm = std::move(status->name);
    info.uid = status->uid;
    if (const auto bytes = read_text_file(ProcPath(pid, "cmdline").c_str(), longest_command_line, syscalls)) {
        info.argv = parse_command_line(*bytes);
    }
    info.netns = inode_of(ProcPath(pid, "ns/net").c_str());
    const bool leader_gone = status->group > 0 && access(ProcPath(status->group, "").c_str(), F_OK) != 0;
    pid_t next = status->parent;
    while (next > 0 && info.ancestors.size() < most_ancestors) {
        auto above = read_status(next, syscalls);
        if (!above.has_value()) {
            break;
        }
        if (info.ancestors.empty()) {
            info.left_behind = leader_gone && (next == 1 || above->session != status->session);
        }
        info.ancestors.push_back({next, std::move(above->name)});
        next = above->parent;
    }
    return info;
}

std::optional<std::uint64_t> own_netns() {
    return inode_of("/proc/thread-self/ns/net");
}

} // namespace portguard
