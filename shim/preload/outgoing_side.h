// The host's side of the plan: the sysctls, read once a process.
#pragma once

#include "core/outgoing.h"
#include "core/socket_facts.h"

namespace portguard::outgoing_side {

/// The plan for this process. The first call reads two files under /proc/sys; all others load two words.
OutgoingPlan plan();

/// Sets IP_LOCAL_PORT_RANGE. A kernel that does not know it (before Linux 6.3) is remembered: plan() changes.
/// errno is left alone. False: it was not set.
bool clamp(int fd, PortRange range);

/// What the kernel says of a descriptor that we never saw. The protocol is never Protocol::unknown: what is
/// not a TCP, MPTCP or UDP socket, or no socket at all, is Protocol::other.
SocketFacts ask_kernel(int fd);

} // namespace portguard::outgoing_side
