#include "kernel/process_fds.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include <fcntl.h>
#include <linux/kcmp.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/text.h"
#include "kernel/folder.h"
#include "kernel/nearest_first.h"
#include "kernel/proc.h"

namespace portguard {
namespace {

/// The descriptors of one process that are one of `inodes`.
class FdSearch {
public:
    FdSearch(pid_t pid, int folder, bool low_were_read, std::span<const std::uint32_t> inodes,
             std::vector<FdOwner>& out)
        : pid_(pid), folder_(folder), low_were_read_(low_were_read), inodes_(inodes), out_(out) {}

    /// Looks at `fd`; false: there is none.
    bool look_at(int fd) {
        ++looks_;
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
        if (const auto inode = parse_socket_link({link.data(), static_cast<std::size_t>(length)})) {
            note(*inode, fd);
        }
        return true;
    }

    /// Tries the numbers from 0 on until `count` were there: to list the folder costs the kernel as much
    /// again as to look at each, and numbers are mostly dense. Returns where the search ended, or -1: all
    /// were found.
    int try_numbers(std::size_t count, const Deadline& deadline) {
        int misses = 0;
        int fd = low_were_read_ && count != 0 ? try_standard_numbers(count) : 0;
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

    /// Looks at those below the low ones, and takes the low ones for free; returns the number behind.
    int try_standard_numbers(std::size_t& count) {
        for (int fd = 0; fd < first_low_fd && count != 0; ++fd) {
            count -= look_at(fd) ? 1 : 0;
        }
        return end_of_low_fds;
    }

    [[nodiscard]] bool is_to_be_looked_at(int fd) const { return !low_were_read_ || !is_low_fd(fd); }

    [[nodiscard]] bool forbidden() const { return forbidden_; }
    [[nodiscard]] std::size_t looks() const { return looks_; }
    [[nodiscard]] std::uint32_t distance() const { return distance_; }

private:
    void note(std::uint32_t inode, int fd) {
        const auto above = std::lower_bound(inodes_.begin(), inodes_.end(), inode);
        if (above != inodes_.end()) {
            distance_ = std::min(distance_, *above - inode);
        }
        if (above != inodes_.begin()) {
            distance_ = std::min(distance_, inode - *(above - 1));
        }
        if (above != inodes_.end() && *above == inode) {
            out_.push_back({inode, pid_, fd});
        }
    }

    static constexpr int most_misses = 2;
    static constexpr int often = 256;

    pid_t pid_;
    int folder_;
    bool low_were_read_;
    std::span<const std::uint32_t> inodes_;
    std::vector<FdOwner>& out_;
    bool forbidden_ = false;
    std::size_t looks_ = 0;
    std::uint32_t distance_ = infinitely_far;
};

/// What a process costs beside its descriptors, counted in those.
constexpr std::size_t cost_of_process = 8;

/// How many descriptors a process has, as its folder of them says since Linux 6.2.
std::size_t count_fds(int folder) {
    struct stat about {};
    return direct::fstat(folder, &about) == 0 ? static_cast<std::size_t>(about.st_size) : 0;
}

bool read_folder(FdSearch& search, int folder, bool counted, std::size_t count, const Deadline& deadline) {
    const int from = counted ? search.try_numbers(count, deadline) : 0;
    if (from < 0 || search.forbidden()) {
        return !search.forbidden();
    }
    // Its entries stand behind "." and ".." in the order of their numbers (proc_readfd_common() in
    // fs/proc/fd.c).
    lseek(folder, from == 0 ? 0 : from + 2, SEEK_SET);
    const bool complete = for_each_number(folder, [&](int fd) {
        if (fd >= from && search.is_to_be_looked_at(fd)) {
            search.look_at(fd);
        }
        return !search.forbidden() && !deadline.passed();
    });
    return !search.forbidden() && (complete || errno == ENOENT || errno == ESRCH);
}

int open_folder(pid_t pid) {
    return direct::open(ProcPath(pid, "fd").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/// By errno.
FdReading without_folder() {
    return errno == ENOENT || errno == ESRCH ? FdReading::done : FdReading::hidden;
}

} // namespace

bool are_fds_counted(const Syscalls& syscalls) {
    // A process that asks has at least the descriptor it asks by.
    const ScopedFd own(direct::open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC), syscalls);
    return own.valid() && count_fds(own.get()) != 0;
}

FdReading collect_fds(pid_t pid, bool low_were_read, const FdQuestion& question, std::size_t& left,
                      std::vector<FdOwner>& out) {
    const ScopedFd folder(open_folder(pid), question.syscalls);
    left -= std::min(left, cost_of_process);
    if (!folder.valid()) {
        return without_folder();
    }
    const std::size_t count = question.counted ? count_fds(folder.get()) : 0;
    if (count > left) {
        return FdReading::too_many;
    }
    FdSearch search(pid, folder.get(), low_were_read, question.inodes, out);
    const bool visible = read_folder(search, folder.get(), question.counted, count, question.deadline);
    left -= std::min(left, search.looks());
    return visible ? FdReading::done : FdReading::hidden;
}

FdReading collect_low_fds(pid_t pid, const FdQuestion& question, std::vector<FdOwner>& out,
                          std::uint32_t& distance) {
    const ScopedFd folder(open_folder(pid), question.syscalls);
    if (!folder.valid()) {
        return without_folder();
    }
    // Those of kernel threads, which have none.
    if (question.counted && count_fds(folder.get()) == 0) {
        return FdReading::done;
    }
    FdSearch search(pid, folder.get(), false, question.inodes, out);
    for (int fd = first_low_fd; fd < end_of_low_fds && !search.forbidden(); ++fd) {
        search.look_at(fd);
    }
    distance = search.distance();
    return search.forbidden() ? FdReading::hidden : FdReading::partly;
}

FdReading collect_fd(pid_t pid, int fd, const FdQuestion& question, std::vector<FdOwner>& out) {
    Text<32> name;
    name.add("fd/").add_number(static_cast<std::uint64_t>(fd)).add('\0');
    std::array<char, 64> link;
    const ssize_t length = readlink(ProcPath(pid, name.view().data()).c_str(), link.data(), link.size());
    if (length <= 0) {
        return without_folder();
    }
    const auto inode = parse_socket_link({link.data(), static_cast<std::size_t>(length)});
    if (inode.has_value() && std::binary_search(question.inodes.begin(), question.inodes.end(), *inode)) {
        out.push_back({*inode, pid, fd});
    }
    return FdReading::partly;
}

std::optional<FdReading> compare_fd(const FdOwner& owner, pid_t pid, std::vector<FdOwner>& out) {
    const long order = syscall(SYS_kcmp, owner.pid, pid, KCMP_FILE, owner.fd, owner.fd);
    if (order == 0) {
        out.push_back({owner.inode, pid, owner.fd});
    }
    if (order >= 0 || errno == EBADF || errno == ESRCH) {
        return FdReading::partly;
    }
    return errno == EPERM ? std::optional(FdReading::hidden) : std::nullopt;
}

} // namespace portguard
