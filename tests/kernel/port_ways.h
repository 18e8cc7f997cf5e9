// The ways in which a socket gets a port from the kernel.
#pragma once

#include <array>
#include <cerrno>
#include <cstdint>

#include "core/socket_options.h"
#include "support/sockets.h"

namespace portguard::test {

/// The option's value: low port in the low 16 bits, high port in the high 16; both ends included.
constexpr int port_range_value(std::uint16_t low, std::uint16_t high) {
    return static_cast<int>(std::uint32_t{low} | std::uint32_t{high} << 16);
}

inline Outcome set_port_range(const Fd& socket, std::uint16_t low, std::uint16_t high) {
    return set_option(socket, IPPROTO_IP, ip_local_port_range, port_range_value(low, high));
}

/// Where connect and sendto of a PortWay go; a test that uses tcp_connect listens there.
inline constexpr std::uint16_t way_target = 9000;

struct PortWay {
    const char* name;
    int type;
    Outcome (*choose)(const Fd& socket, int family);
    /// errno where no port can be had.
    int exhausted;
};

inline Fd socket_for(const PortWay& way, int family) {
    return way.type == SOCK_STREAM ? tcp_socket(family) : udp_socket(family);
}

inline Outcome choose_by_connect(const Fd& socket, int family) {
    return connect_to(socket, loopback(way_target, family));
}
inline Outcome choose_by_bind(const Fd& socket, int family) {
    return bind_to(socket, wildcard(0, family));
}
inline Outcome choose_by_listen(const Fd& socket, int) {
    return listen_on(socket);
}
inline Outcome choose_by_sendto(const Fd& socket, int family) {
    const Address target = loopback(way_target, family);
    return outcome_of(::sendto(socket.get(), "x", 1, 0, target.get(), target.length));
}

inline constexpr std::array<PortWay, 6> port_ways{{
    {"TCP connect", SOCK_STREAM, choose_by_connect, EADDRNOTAVAIL},
    {"TCP bind(0)", SOCK_STREAM, choose_by_bind, EADDRINUSE},
    {"TCP listen without bind", SOCK_STREAM, choose_by_listen, EADDRINUSE},
    {"UDP connect", SOCK_DGRAM, choose_by_connect, EAGAIN},
    {"UDP bind(0)", SOCK_DGRAM, choose_by_bind, EADDRINUSE},
    {"UDP sendto", SOCK_DGRAM, choose_by_sendto, EAGAIN},
}};

} // namespace portguard::test
