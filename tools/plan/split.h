// Where the range for outgoing connections goes, so that no listener is inside. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "core/outgoing.h"
#include "core/port_set.h"

namespace portguard::tools {

/// The longest run of `bounds` without a port of `taken`; empty: there is none. Of an even number of ports,
/// since connect() and bind(0) each look at every second port first (net/ipv4/inet_hashtables.c), and the
/// kernel prefers ends of different parity. An end of `bounds` stays where they were given (`keeps_ends`).
PortRange largest_gap(PortRange bounds, const PortSet& taken, bool keeps_ends = false);

struct SplitWish {
    /// Ports that somebody listens on, or shall.
    PortSet pinned;
    /// Where the range may be.
    PortRange bounds;
    /// Reserved on this host already; they stay so.
    PortSet reserved;
    /// A smaller range is not worth having.
    std::uint32_t least = 0;
    /// `bounds` are a range that was asked for.
    bool bounds_are_given = false;
};

struct Split {
    /// Empty: impossible, and `obstacle` says why.
    PortRange ephemeral;
    /// For net.ipv4.ip_local_reserved_ports.
    PortSet reserved;
    /// What outgoing connections get: `ephemeral` less reserved ports.
    std::uint32_t ports = 0;
    /// Listeners stand inside the range, and only the reserved ports keep connections off them.
    bool needs_reserved = false;
    /// One sentence without a full stop.
    std::string obstacle;
    /// Likewise, of a range that is not as even as the kernel likes; empty: nothing is to be said.
    std::string remark;
};

Split propose_split(const SplitWish& wish);

/// The range that `host` has, with those of `pinned` that lie inside it reserved. Empty where nothing would
/// be left of it.
Split keep_range(const PortSet& pinned, const HostPorts& host);

} // namespace portguard::tools
