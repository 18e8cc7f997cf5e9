// What `portguard check` knows about a network namespace: gathered once, then only read.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/port_set.h"
#include "kernel/owner_search.h"
#include "kernel/proc.h"
#include "kernel/sock_diag.h"
#include "kernel/sysctls.h"
#include "tools/check/cluster.h"

namespace portguard::tools {

/// What a socket has its port for.
enum class Role : std::uint8_t {
    /// TCP in LISTEN; UDP bound and not connected, which may be a server or a client.
    listener,
    /// A connection, or what is left of one, that came in through a listener of this namespace.
    accepted,
    /// One that a listener accepted which is gone; known only of ports that were asked about.
    left_over,
    /// Any other connection, or what is left of one.
    outgoing,
    /// TCP, bound only.
    bound,
};

constexpr bool came_in(Role role) {
    return role == Role::accepted || role == Role::left_over;
}

struct SocketFact {
    DiagSocket socket;
    Role role = Role::bound;
};

/// In the order of `sockets`.
std::vector<SocketFact> with_roles(const std::vector<DiagSocket>& sockets);

struct ConnectRate {
    double per_second = 0;
    double seconds = 0;
};

/// Ports of the namespace whose addresses the packets of another one leave the host with.
struct OutsidePorts {
    /// UDP servers, with what who_has() says of them. Empty words: not known yet.
    std::map<std::uint16_t, std::string> udp;
    std::vector<ClusterPort> node_ports;
};

struct HostFacts {
    /// Inode of the network namespace; 0: unknown.
    std::uint64_t netns = 0;
    HostSettings settings;
    /// Empty: the kernel has no such setting, or it may not be read.
    std::optional<std::uint32_t> tcp_tw_reuse;
    std::optional<std::uint32_t> tcp_tw_recycle;
    std::optional<std::uint32_t> tcp_max_tw_buckets;
    /// The kernel knows IP_LOCAL_PORT_RANGE (Linux 6.3).
    bool has_socket_range = true;
    std::vector<SocketFact> sockets;
    /// Sorted by inode.
    std::vector<FdOwner> owners;
    /// Those that have a listener, a bound socket, or a connection inside `listen`, among the NodePorts or on
    /// a port of `outside`.
    std::map<pid_t, ProcessInfo> processes;
    /// SO_REUSEADDR of TCP listeners by inode; none where it could not be read.
    std::map<std::uint32_t, bool> reuseaddr;
    /// Ports of Kubernetes' components that run in this namespace.
    std::vector<ClusterPort> cluster;
    /// Only of a namespace that was found beside the caller's own.
    std::optional<OutsidePorts> outside;
    /// Outgoing TCP connections; only measured when asked for.
    std::optional<ConnectRate> connects;
    /// A route leads to another host, or to this one's own addresses, by another interface than lo.
    bool has_way_out = false;
    /// None of the questions about sockets failed.
    bool sees_sockets = true;
    /// All of /proc was read: a socket without an owner is of no process in it.
    bool sees_every_process = false;
    /// What stands before a command that changes this namespace: "sudo ", "ip netns exec blue ".
    std::string as_root;
    /// Before one that takes no right; empty, unless the namespace has to be entered.
    std::string as_user;
    /// What was left out, each a clause without a full stop.
    std::vector<std::string> missing;

    [[nodiscard]] std::span<const FdOwner> owners_of(const DiagSocket& socket) const;
};

/// Nobody waits for a minute; a kernel that does not answer must end it all the same.
inline constexpr std::chrono::minutes longest_look{1};

struct FactsWish {
    /// Whose outgoing connections are looked at with their processes.
    PortSet listen;
    /// How long connections are counted; 0: not at all.
    std::chrono::milliseconds sample{0};
    /// Read SO_REUSEADDR of the listeners.
    bool flags = true;
    /// Look for components of Kubernetes.
    bool cluster = false;
    /// For one namespace. Only one owner of each listener, and none of a connection that a listener of now
    /// has accepted: less of /proc is read than ss(8) does.
    bool thrifty = false;
};

/// For the network namespace of the calling thread.
HostFacts gather_facts(const FactsWish& wish);

/// The part of it that has to be asked in that namespace.
HostFacts look_around(const FactsWish& wish);
/// The rest, of several namespaces at once: /proc is walked once for all. The first is that of the caller,
/// and the others are behind its addresses.
void add_processes(const FactsWish& wish, std::span<HostFacts> namespaces);

/// IP_LOCAL_PORT_RANGE (Linux 6.3).
bool kernel_has_socket_range();

/// All sockets, without owners or flags.
std::vector<SocketFact> sockets_of_host(std::vector<std::string>& missing);

} // namespace portguard::tools
