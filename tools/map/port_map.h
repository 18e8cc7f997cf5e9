// What `portguard map` draws: which port is used for what, by whom, and where two uses meet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/check/collision.h"
#include "tools/check/groups.h"

namespace portguard::tools {

/// The first of a port that has several is what is drawn.
enum class Use : std::uint8_t { listener, bound, udp, outgoing, time_wait };
inline constexpr std::size_t use_count = 5;

struct PortUse {
    std::uint16_t port = 0;
    Use use = Use::listener;
    Collision collision = Collision::none;
    /// Point into the facts. A TCP listener's connections are among its sockets.
    std::vector<const DiagSocket*> sockets = {};
};

/// Sockets, as ss(8) counts them.
struct SocketTotals {
    /// By Use: `outgoing` and `time_wait` TCP alone, the latter of both directions.
    std::size_t uses[use_count] = {};
    /// TCP connections that came in, without TIME_WAIT.
    std::size_t incoming = 0;

    [[nodiscard]] std::size_t of(Use use) const { return uses[static_cast<std::size_t>(use)]; }
};

struct CollisionGroup {
    Collision collision = Collision::none;
    Group group;
};

/// The facts have to outlive it.
struct PortMap {
    const HostFacts* facts = nullptr;
    PortPlan plan;
    SocketTotals totals;
    /// By port, then by use.
    std::vector<PortUse> uses;
    /// Of one kind side by side, the worst kind first.
    std::vector<CollisionGroup> collisions;
};

PortMap map_ports(const HostFacts& facts, const PortPlan& plan);

/// "listens inside ephemeral 32768-60999"; what it is, without who and where.
std::string describe(const PortMap& map, const CollisionGroup& collision);

/// Ports side by side that one program has for one thing: "8000-8003 python3".
struct Label {
    PortRange ports;
    /// Of the program; empty where it cannot be seen. Any text: another user may have chosen it.
    std::string program;
    Use use = Use::listener;
    Collision collision = Collision::none;
};

/// For what is worth a name: listeners, UDP servers, and whatever is in the way. In the order of the ports.
std::vector<Label> labels_of(const PortMap& map);

/// "8000-8003 python3", "53/udp dnsmasq", fit for a terminal.
std::string text_of(const Label& label);

/// For machines: one object, as share/portguard/map.schema.json describes it.
std::string json_report(const PortMap& map);

} // namespace portguard::tools
