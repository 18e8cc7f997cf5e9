// Why the descriptor of another process could not be borrowed (pidfd_getfd(2)). The kernel says EPERM for all
// of it: ptrace_may_access() in kernel/ptrace.c, the security modules behind it, and seccomp before it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

namespace portguard {

struct BorrowFacts {
    /// errno of borrow_fd().
    int error = 0;
    /// errno of borrowing a descriptor of our own, which only seccomp or an old kernel refuses; 0: it went.
    int own_error = 0;
    /// This process runs under a seccomp filter.
    bool filtered = false;
    bool has_sys_ptrace = false;
    uid_t own_uid = 0;
    /// The other process: real, effective and saved; empty: gone, or not to be seen.
    std::optional<uid_t> uid;
    bool same_user = false;
    /// Null: cannot be told.
    std::optional<bool> dumpable;
    /// Capabilities that the other one has and this one lacks.
    bool has_more_capabilities = false;
    /// kernel.yama.ptrace_scope; 0 also where there is no Yama.
    int ptrace_scope = 0;
};

BorrowFacts gather_borrow_facts(pid_t pid, int error);

/// `sudo` is the way out.
bool would_work_as_root(const BorrowFacts& facts);

/// A clause with the way out, without a full stop.
std::string describe_refusal(const BorrowFacts& facts);

} // namespace portguard
