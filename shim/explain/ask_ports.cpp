#include "explain/ask_ports.h"

#include <cerrno>

#include <netinet/in.h>
#include <sys/socket.h>

#include "explain/probe.h"
#include "kernel/socket_option.h"

namespace portguard {
namespace {

/// IP_LOCAL_PORT_RANGE of the socket, ours or the program's, where it meets the host's range; else that (K8).
PortRange range_of_socket(int fd, PortRange host) {
    std::uint32_t value = 0;
    if (read_socket_option(fd, SOL_IP, ip_local_port_range, value) != 0 || value == 0) {
        return host;
    }
    const auto low = static_cast<std::uint16_t>(value & 0xffff);
    const auto high = static_cast<std::uint16_t>(value >> 16);
    const PortRange own{low == 0 ? std::uint16_t{1} : low, high == 0 ? std::uint16_t{65535} : high};
    const PortRange common = intersection(own, host);
    return common.empty() ? host : common;
}

/// What the refused call could have been given.
PortSet candidates(const Snapshot& snapshot, int socket, const HostPorts& host) {
    const Config& config = snapshot.config;
    PortSet ports;
    if (snapshot.call != Call::connect && config.port_zero == PortZero::listen && config.has_listen) {
        ports = config.listen;
    } else if (!snapshot.bound_range.empty()) {
        ports.insert(snapshot.bound_range);
    } else {
        const PortRange range = range_of_socket(socket, host.range);
        for (std::uint32_t port = range.low; port <= range.high && !range.empty(); ++port) {
            const auto number = static_cast<std::uint16_t>(port);
            if (!host.reserved.contains(number)) {
                ports.insert({number, number});
            }
        }
    }
    return ports;
}

} // namespace

std::optional<PortUsage> ask_ports(const Snapshot& snapshot, int socket, Protocol protocol,
                                   const HostPorts& host, const Deadline& deadline,
                                   const Syscalls& syscalls) {
    const PortSet ports = candidates(snapshot, socket, host);
    std::vector<DiagSocket> sockets;
    if (ports.empty() || dump_both_families(protocol, {}, diag_all, deadline, syscalls, sockets).error != 0) {
        return std::nullopt;
    }
    PortUsage usage = summarize_ports(ports, sockets);
    // What is only bound, and has no address of its own, is not seen there.
    if (protocol != Protocol::udp && !are_bound_sockets_shown() && snapshot.call == Call::bind) {
        AskedAddress asked;
        asked.endpoint.family = Family::ipv4;
        usage.of_every_address = probe_bind(asked, protocol, Probe::elsewhere) == EADDRINUSE
                                     ? usage.total
                                     : usage.of_every_address;
    }
    usage.by_binds = snapshot.call == Call::connect && !snapshot.bound_range.empty();
    return usage;
}

PortSet ask_listened_ports(const Deadline& deadline) {
    std::vector<DiagSocket> sockets;
    PortSet ports;
    dump_both_families(Protocol::tcp, {}, diag_listen, deadline, Syscalls{}, sockets);
    for (const DiagSocket& socket : sockets) {
        ports.insert({socket.local.port, socket.local.port});
    }
    return ports;
}

} // namespace portguard
