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
    /// Not ours to see.
    hidden,
    /// It has more than the limit, and none was read; known since Linux 6.2.
    too_many,
};

/// Whether this kernel tells how many descriptors a process has.
bool are_fds_counted(const Syscalls& syscalls);

/// Appends the descriptors of `pid` that are one of `inodes` (sorted). `left` is how many may be read; what
/// was read is subtracted, down to 0.
FdReading collect_fds(pid_t pid, std::span<const std::uint32_t> inodes, bool counted, std::size_t& left,
                      const Deadline& deadline, const Syscalls& syscalls, std::vector<FdOwner>& out);

} // namespace portguard
