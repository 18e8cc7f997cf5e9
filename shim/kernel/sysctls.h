// The settings of this network namespace that decide about ports (ip-sysctl.rst).
#pragma once

#include <cstdint>
#include <optional>

#include "core/outgoing.h"
#include "kernel/syscalls.h"

namespace portguard {

struct HostSettings {
    HostPorts ports;
    /// net.ipv4.ip_unprivileged_port_start.
    std::optional<std::uint16_t> unprivileged_port_start;
};

/// What cannot be read (a chroot without /proc) stays empty.
HostSettings read_host_settings(const Syscalls& syscalls);

} // namespace portguard
