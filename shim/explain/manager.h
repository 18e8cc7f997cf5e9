// What started a process and would start it again: a unit of systemd's or a container, named by its cgroup;
// another supervisor, named by what it leaves in the process.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "core/call.h"
#include "kernel/proc.h"

namespace portguard {

struct Manager {
    enum class Kind { none, unit, user_unit, docker, podman, cri, lxc, docker_port, supervisord, runit, pm2 };
    Kind kind = Kind::none;
    /// "nginx.service", the first twelve digits of a container's id, a name; of Kind::docker_port the port.
    std::string name;
    /// Of Kind::user_unit.
    uid_t uid = 0;

    friend bool operator==(const Manager&, const Manager&) = default;
};

/// `path`: of /proc/PID/cgroup, "/system.slice/nginx.service".
Manager manager_in(std::string_view path);

/// By the cgroup of a process; Kind::none also where it cannot be read.
Manager read_manager(pid_t pid);

/// Of a process that has the port.
Manager find_manager(const ProcessInfo& process, Protocol protocol, std::uint16_t port);

/// "unit nginx.service", "container 0123456789ab (docker)".
std::string describe_manager(const Manager& manager);

/// "systemctl stop nginx.service"; empty: there is none, or what it talks to does not run here. `euid` is who
/// will type it.
std::string stop_command(const Manager& manager, uid_t euid);

} // namespace portguard
