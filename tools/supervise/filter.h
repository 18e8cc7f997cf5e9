// The filter of system calls that makes a tree's socket, bind and listen wait for the supervisor
// (seccomp_unotify(2)).
#pragma once

#include <vector>

#include <linux/filter.h>

namespace portguard::tools {

struct FilterPlan {
    /// The plan keeps outgoing ports in a range by an option of each socket.
    bool traps_socket = false;
    /// io_uring_setup(2) says ENOSYS; else it is counted.
    bool refuses_io_uring = false;
};

/// What passes without a notification costs no more than these instructions. What the library has judged
/// (kernel/judged_call.h) is among that.
std::vector<sock_filter> supervising_filter(const FilterPlan& plan);

struct InstalledFilter {
    /// The descriptor on which the calls arrive, close-on-exec; -1: `error` says why.
    int listener = -1;
    /// EBUSY: another supervisor has this process already; ENOSYS, EINVAL: the kernel has no such filter.
    int error = 0;
    /// Without CAP_SYS_ADMIN: no program below gains privileges from a file any more.
    bool took_no_new_privs = false;
};

/// Of the calling process, whose programs inherit it. There is no way back.
InstalledFilter install_filter(const std::vector<sock_filter>& filter);

} // namespace portguard::tools
