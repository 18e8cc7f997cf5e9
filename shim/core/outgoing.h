// How outgoing connections are kept out of the listen ports on this host (design 3.4).
#pragma once

#include <cstdint>
#include <string_view>

#include "core/config.h"
#include "core/port_set.h"

namespace portguard {

/// net.ipv4.ip_local_port_range and net.ipv4.ip_local_reserved_ports (ip-sysctl.rst). An empty range: not
/// readable.
struct HostPorts {
    PortRange range;
    PortSet reserved;

    /// To a socket that leaves the choice to the kernel.
    [[nodiscard]] bool gives(std::uint16_t port) const {
        return range.contains(port) && !reserved.contains(port);
    }
};

/// The text of the two files under /proc/sys/net/ipv4. False: not of their form, and nothing is changed.
bool parse_host_range(std::string_view text, PortRange& range);
bool parse_reserved_ports(std::string_view text, PortSet& reserved);

enum class OutgoingMethod : std::uint8_t {
    /// The kernel's own choice already avoids `listen`, and stays inside `ephemeral` where that was given.
    none,
    /// IP_LOCAL_PORT_RANGE to `range`.
    socket_range,
    /// An explicit bind to a port of `range` before connect: one connection a port.
    explicit_bind,
    /// SO_REUSEADDR once the kernel has chosen.
    courtesy,
};

struct OutgoingPlan {
    OutgoingMethod connect = OutgoingMethod::none;
    /// bind to port 0, and listen without bind, need `range` as well.
    bool clamp_port_zero = false;
    /// `range` is kept by explicit binds, since IP_LOCAL_PORT_RANGE cannot do it.
    bool binds = false;
    /// What IP_LOCAL_PORT_RANGE is set to, or explicit binds draw from; empty: neither is done.
    PortRange range;
    /// The range that outgoing connections are given, ours or the kernel's: a fixed port inside it is at
    /// risk.
    PortRange ephemeral;
    /// Where connect's port comes from, if a port of it may be left out lest a connection meet itself (K15).
    /// Empty where so much is reserved that the rest might have no port to give.
    PortRange divisible;
};

/// The value of the IP_LOCAL_PORT_RANGE option: low port in the low half (ip(7), Linux 6.3).
constexpr std::uint32_t range_option_value(PortRange range) {
    return static_cast<std::uint32_t>(range.low) | static_cast<std::uint32_t>(range.high) << 16;
}

/// `kernel_has_range` false: the kernel turned out not to know IP_LOCAL_PORT_RANGE.
OutgoingPlan plan_outgoing(const Config& config, const HostPorts& host, bool kernel_has_range = true);

/// The larger part of `range` beside `port`; the whole where it does not hold the port.
PortRange without_port(PortRange range, std::uint16_t port);
/// The other part; empty: there is none.
PortRange smaller_part(PortRange range, std::uint16_t port);

} // namespace portguard
