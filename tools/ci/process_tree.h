// The processes below this one, as /proc shows them at a moment.
#pragma once

#include <cstdint>
#include <vector>

#include <sys/types.h>

namespace portguard::tools {

struct TreeProcess {
    pid_t pid = 0;
    /// In clock ticks since boot: with the pid, the name of a process for good.
    std::uint64_t start_time = 0;
    friend bool operator<(const TreeProcess& left, const TreeProcess& right) {
        return left.pid != right.pid ? left.pid < right.pid : left.start_time < right.start_time;
    }
};

/// Every descendant of the calling process that has not ended. Needs CONFIG_PROC_CHILDREN; without, it is
/// empty.
std::vector<TreeProcess> descendants();

/// False: the kernel cannot tell children (CONFIG_PROC_CHILDREN).
bool can_list_descendants();

} // namespace portguard::tools
