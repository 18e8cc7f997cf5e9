// Sockets where the other side of the split belongs: what `portguard check` explains and `portguard map`
// draws.
#pragma once

#include <cstdint>
#include <string_view>

#include "tools/check/finding.h"

namespace portguard::tools {

enum class Collision : std::uint8_t {
    none,
    /// TCP listens where the kernel picks ports for outgoing connections.
    listener_in_kernel_range,
    /// TCP listens where the plan has outgoing connections, and the kernel has none yet.
    listener_in_planned_range,
    /// An outgoing connection has a port of --listen.
    outgoing_in_listen,
    /// A connection has that a listener accepted which is gone, or that its program has closed.
    left_over_in_listen,
    /// What is left of one has.
    time_wait_in_listen,
};

/// A TIME_WAIT that keeps its port for a listener (K21): its two ends are one.
bool is_lease(const DiagSocket& socket);

Collision collision_of(const SocketFact& fact, const HostPorts& host, const PortPlan& plan);

/// Finding::id.
std::string_view finding_id(Collision collision);

} // namespace portguard::tools
