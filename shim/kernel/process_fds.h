// The descriptors of one process: /proc/PID/fd (proc_pid_fd(5)).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <sys/types.h>

#include "kernel/deadline.h"
#include "kernel/owner_search.h"
#include "kernel/syscalls.h"

namespace portguard {

enum class FdReading : std::uint8_t {
    done,
    /// There are more, beyond the numbers that were asked for.
    partly,
    /// Not ours to see.
    hidden,
    /// It has more than the limit, and none was read; known since Linux 6.2.
    too_many,
};

/// Whether this kernel tells how many descriptors a process has.
bool are_fds_counted(const Syscalls& syscalls);

/// What is looked for, and with what.
struct FdQuestion {
    /// Sorted.
    std::span<const std::uint32_t> inodes;
    bool counted = false;
    const Deadline& deadline;
    const Syscalls& syscalls;
};

/// The numbers among which servers have what they listen on, behind the standard ones.
inline constexpr int first_low_fd = 3;
inline constexpr int end_of_low_fds = 8;
constexpr bool is_low_fd(int fd) {
    return fd >= first_low_fd && fd < end_of_low_fds;
}

/// Appends the descriptors of `pid` that are one of the inodes, but for the low ones where those were read.
/// `left` is how many may be read; what was read is subtracted, down to 0.
FdReading collect_fds(pid_t pid, bool low_were_read, const FdQuestion& question, std::size_t& left,
                      std::vector<FdOwner>& out);

/// Only the low ones. `distance` becomes the smallest difference between a socket's inode and one of those
/// that are looked for; it stays as it is where no socket is seen.
FdReading collect_low_fds(pid_t pid, const FdQuestion& question, std::vector<FdOwner>& out,
                          std::uint32_t& distance);

/// Only this one.
FdReading collect_fd(pid_t pid, int fd, const FdQuestion& question, std::vector<FdOwner>& out);

/// The same, by comparison with an owner's of that number (kcmp(2)): where /proc has never been read, a tenth
/// of the time. Nothing: this kernel does not compare.
std::optional<FdReading> compare_fd(const FdOwner& owner, pid_t pid, std::vector<FdOwner>& out);

} // namespace portguard
