// The sandbox of the program, which is this process's as well.
#pragma once

#include <optional>
#include <string>

#include <sys/types.h>

namespace portguard {

/// A seccomp filter is in force, which may end this process for a system call.
bool is_under_filter();

/// A system call of pidfd.h's may end this process, as the filters of Debian's units for redis and others
/// have it: tried by a child.
bool is_borrowing_deadly();

/// What could refuse a bind that the port itself allows.
struct SandboxFacts {
    /// It has CAP_NET_BIND_SERVICE, and that counts in this network; nothing: not known.
    std::optional<bool> may_bind_low_ports;
    bool is_filtered = false;
    /// Rulesets of Landlock's that are in force. Nothing: not known.
    std::optional<unsigned> landlock_layers;
    /// "docker-default (enforce)", "system_u:system_r:httpd_t:s0"; empty: none, or unconfined.
    std::string label;
    /// "AppArmor", "SELinux".
    std::string module;
};

/// Of the thread `tid` of `pid`.
SandboxFacts ask_sandbox(pid_t pid, pid_t tid);

} // namespace portguard
