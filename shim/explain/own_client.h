// The clients of the program that asked.
#pragma once

#include <cstdint>

#include <sys/types.h>

#include "core/port_set.h"
#include "kernel/deadline.h"
#include "kernel/syscalls.h"

namespace portguard {

/// `pid` has accepted a connection whose client has the port `port`. A local port outside `ephemeral` says
/// that it was accepted.
bool serves_client_on(std::uint16_t port, pid_t pid, PortRange ephemeral, const Deadline& deadline,
                      const Syscalls& syscalls);

} // namespace portguard
