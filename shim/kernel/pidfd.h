// Options of a socket that another process has: pidfd_open(2), pidfd_getfd(2), getsockopt(2).
#pragma once

#include <optional>

#include <sys/types.h>

#include "kernel/syscalls.h"

namespace portguard {

/// A duplicate of descriptor `fd` of process `pid`, close-on-exec and the caller's to close; or -1 with
/// errno: EPERM where ptrace attach rights are missing (same uid and dumpable, or CAP_SYS_PTRACE), ENOSYS
/// before Linux 5.6, EBADF and ESRCH where it has gone, EMFILE where no number is left. `fd` may be another
/// file by now: compare fstat(2)'s inode.
int borrow_fd(pid_t pid, int fd, const Syscalls& syscalls);

struct ReuseFlags {
    std::optional<bool> reuseaddr;
    std::optional<bool> reuseport;
    /// Its subflows look like TCP sockets to sock_diag.
    std::optional<bool> mptcp;
    /// 0; else why they are not known: an errno of borrow_fd or getsockopt(2); ESTALE: `fd` is no longer the
    /// socket with that inode.
    int error = 0;
};

/// `inode` as sock_diag tells it.
ReuseFlags read_reuse_flags(pid_t pid, int fd, ino_t inode, const Syscalls& syscalls);

} // namespace portguard
