// Which processes have a socket: /proc/PID/fd (proc_pid_fd(5)), the likely ones first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <sys/types.h>

#include "kernel/deadline.h"
#include "kernel/syscalls.h"

namespace portguard {

struct FdOwner {
    std::uint32_t inode = 0;
    pid_t pid = 0;
    int fd = -1;
};

struct OwnerSearch {
    /// By process and descriptor; a socket that several descriptors share is there several times.
    std::vector<FdOwner> owners;
    /// errno of opening /proc; 0: it was walked.
    int error = 0;
    /// Processes whose descriptors this user may not see.
    unsigned hidden = 0;
    /// Processes that were not looked at, since each socket had an owner by then: some may share it.
    unsigned left_out = 0;
    /// The deadline passed before each socket had an owner and the last process was looked at.
    bool cut_short = false;
};

/// What sock_diag says of the sockets, and how much is read to find the others that share one.
struct OwnerHints {
    std::vector<std::uint64_t> cgroups;
    std::vector<uid_t> uids;
    /// Descriptors that are read beyond the first owner of each socket. 0: nobody else is looked for.
    std::size_t most_others = std::numeric_limits<std::size_t>::max();
    /// Who has one of them is read in full at once: it often has the others as well. Without, where each
    /// process has one of many, a tenth is read.
    bool whole_owners = true;
    /// kcmp(2) may be called: a seccomp filter may kill for it.
    bool compares = true;
};

/// For all of `inodes` (sorted). Reads the processes of the cgroups, then of the users, then the rest, until
/// each socket has an owner: their low descriptors first, among which servers have what they listen on, of
/// processes whose sockets have nearly the same inodes before others. Then those that may have inherited it:
/// parents and children of the owners, their sessions, and the rest, as far as `most_others` goes; of whom is
/// left then, the numbers that the owners have it under, which fork(2) keeps.
OwnerSearch find_owners(std::span<const std::uint32_t> inodes, const OwnerHints& hints,
                        const Deadline& deadline, const Syscalls& syscalls);

/// In all processes.
inline OwnerSearch find_owners(std::span<const std::uint32_t> inodes, const Deadline& deadline,
                               const Syscalls& syscalls) {
    return find_owners(inodes, {}, deadline, syscalls);
}

} // namespace portguard
