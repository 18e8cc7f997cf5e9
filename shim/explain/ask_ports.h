// The kernel's answer to "which ports are left?"
#pragma once

#include <optional>

#include "core/snapshot.h"
#include "explain/port_usage.h"
#include "kernel/deadline.h"
#include "kernel/syscalls.h"
#include "kernel/sysctls.h"

namespace portguard {

/// `socket`: a duplicate of the program's, or -1. For EventKind::exhausted: one dump a family of the sockets
/// of `protocol`. Nothing: the kernel did not answer in time, or what the socket chooses from is not known.
std::optional<PortUsage> ask_ports(const Snapshot& snapshot, int socket, Protocol protocol,
                                   const HostPorts& host, const Deadline& deadline, const Syscalls& syscalls);

/// TCP ports on which a socket of this network listens.
PortSet ask_listened_ports(const Deadline& deadline);

} // namespace portguard
