// A socket as sock_diag(7) shows it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include <sys/types.h>

#include "core/call.h"
#include "core/endpoint.h"

namespace portguard {

/// The values that `portguard hold` and the look-up agree on: a socket that is bound, never listens and has
/// this IP_TOS (a code point for local use, RFC 2474 section 6) reserves its port for a listener.
inline constexpr std::uint8_t hold_tos = 0xac;

enum class SocketState : std::uint8_t {
    unknown,
    established,
    syn_sent,
    fin_wait1,
    fin_wait2,
    time_wait,
    close_wait,
    last_ack,
    listen,
    closing,
    /// TCP: bound, and neither listening nor connected (shown since Linux 6.8).
    bound,
    /// UDP: bound, not connected.
    unconnected,
};

/// "ESTABLISHED" and so on: the names of design 3.5.
std::string_view state_name(SocketState state);
std::optional<SocketState> state_named(std::string_view name);

/// One socket. Numbers are in host byte order.
struct DiagSocket {
    /// Protocol::tcp or Protocol::udp; the subflows of MPTCP are TCP sockets.
    Protocol protocol = Protocol::unknown;
    SocketState state = SocketState::unknown;
    Endpoint local;
    /// Port 0 where there is no peer.
    Endpoint remote;
    /// Told for IPv6 sockets that listen or are only bound.
    std::optional<bool> v6only;
    /// Interface that the socket is bound to; 0: any.
    std::uint32_t device = 0;
    /// 0: no process has it (TIME_WAIT, or closed by its program while the kernel still says good-bye).
    std::uint32_t inode = 0;
    /// Of the process that created it; meaningless where inode is 0.
    uid_t uid = 0;
    /// Of version 2, in which it was created (Linux 5.9); 0: not known.
    std::uint64_t cgroup = 0;
    std::uint8_t tos = 0;
    /// Tells it from a later socket with the same addresses.
    std::array<std::uint32_t, 2> cookie{};
    /// TIME_WAIT and orphaned FIN_WAIT2: milliseconds until the kernel forgets it.
    std::optional<std::uint32_t> timer_ms;

    /// `portguard hold` has it.
    [[nodiscard]] bool is_hold() const { return state == SocketState::bound && tos == hold_tos; }
    /// Its program has closed it, and the kernel is still ending the connection. A connection that no program
    /// has accepted yet has no inode either, but has sent no FIN.
    [[nodiscard]] bool is_orphan() const {
        return inode == 0 && (state == SocketState::fin_wait1 || state == SocketState::fin_wait2 ||
                              state == SocketState::last_ack || state == SocketState::closing);
    }
};

} // namespace portguard
