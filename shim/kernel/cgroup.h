// The processes of a cgroup that sock_diag names by its id (cgroups(7), version 2).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <sys/types.h>

#include "kernel/deadline.h"
#include "kernel/syscalls.h"

namespace portguard {

/// By a walk of /sys/fs/cgroup, where an id is a folder's inode. Not by open_by_handle_at(2), which takes a
/// privilege and which the filters of sandboxed services kill for (@privileged of systemd.exec(5)). Empty
/// where no such cgroup is seen: it is gone, lies outside of this cgroup namespace, or there is no version 2.
std::vector<pid_t> processes_of_cgroups(std::span<const std::uint64_t> ids, const Deadline& deadline,
                                        const Syscalls& syscalls);

} // namespace portguard
