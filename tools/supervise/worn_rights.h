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

} // namespace portguard::tools
