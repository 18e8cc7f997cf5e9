// What the kernel asks of whoever makes a call, taken on by this thread for the length of one.
#pragma once

#include "tools/supervise/caller.h"

namespace portguard::tools {

/// Without CAP_NET_BIND_SERVICE in force while it lives, if `lacks_it`.
class WithoutLowPorts {
public:
    explicit WithoutLowPorts(bool lacks_it);
    WithoutLowPorts(const WithoutLowPorts&) = delete;
    WithoutLowPorts& operator=(const WithoutLowPorts&) = delete;
    ~WithoutLowPorts();

private:
    bool was_in_force_ = false;
};

/// Under the file system's ids of another: a socket is its maker's (sk_uid, the owner match of netfilter).
class UnderIdsOf {
public:
    UnderIdsOf(const Surroundings& other, const Surroundings& own);
    UnderIdsOf(const UnderIdsOf&) = delete;
    UnderIdsOf& operator=(const UnderIdsOf&) = delete;
    ~UnderIdsOf();

    /// False: this process may not take them on.
    [[nodiscard]] bool is_worn() const { return is_worn_; }

private:
    const Surroundings& own_;
    bool differs_;
    bool is_worn_;
};

/// Under all ids that ptrace rights go by, where CAP_SYS_PTRACE is missing: a container's root has none, and
/// may take on those of a server that gave up root's. Where it may not, or need not, nothing changes.
class UnderPtraceIdsOf {
public:
    UnderPtraceIdsOf(const Caller& caller, const Surroundings& own, bool is_needed);
    UnderPtraceIdsOf(const UnderPtraceIdsOf&) = delete;
    UnderPtraceIdsOf& operator=(const UnderPtraceIdsOf&) = delete;

private:
    /// Before those of the file system, which it sets as well (setresuid(2)).
    class Real {
    public:
        Real(const Surroundings& other, const Surroundings& own);
        Real(const Real&) = delete;
        Real& operator=(const Real&) = delete;
        ~Real();

    private:
        uid_t own_uid_ = 0;
        gid_t own_gid_ = 0;
        bool is_changed_ = false;
    };

    Surroundings worn_;
    Real real_;
    UnderIdsOf of_files_;
};

} // namespace portguard::tools
