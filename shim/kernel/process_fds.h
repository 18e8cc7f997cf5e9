// The descriptors of one process: /proc/PID/fd (proc_pid_fd(5)).
#pragma once

#include <cstddef>
#include <cstdint>
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

/// Appends the descriptors of `pid` from `first` on that are one of the inodes. `left` is how many may be
/// read; what was read is subtracted, down to 0.
FdReading collect_fds(pid_t pid, int first, const FdQuestion& question, std::size_t& left,
                      std::vector<FdOwner>& out);

/// Only the numbers below `end`.
FdReading collect_low_fds(pid_t pid, int end, const FdQuestion& question, std::vector<FdOwner>& out);

/// Only this one.
FdReading collect_fd(pid_t pid, int fd, const FdQuestion& question, std::vector<FdOwner>& out);

} // namespace portguard
