// Ports that well-known software takes without being asked, or that a look at the listeners does not show.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/port_set.h"

namespace portguard {

struct KnownDefault {
    std::string_view name;
    /// The process name (comm) that shows that a host has it.
    std::string_view program;
    /// Fixed ports; empty: `offset` counts.
    PortRange ports;
    /// Added to each port that `program` listens on.
    std::uint16_t offset = 0;
    /// Why it is easily overlooked; a clause.
    std::string_view remark;
    /// Where it is documented.
    std::string_view source;
    /// An add-on that nodes of Kubernetes have, in a pod on the node's own network.
    bool is_on_nodes = false;
};

std::span<const KnownDefault> known_defaults();

/// The ports of these, and those that servers have as a rule: nobody shall be sent there.
PortSet known_default_ports();

} // namespace portguard
