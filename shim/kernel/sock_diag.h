// The sockets on one port, as the kernel tells them: NETLINK_SOCK_DIAG (sock_diag(7), net/ipv4/inet_diag.c).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "core/endpoint.h"
#include "core/event.h"
#include "kernel/deadline.h"
#include "kernel/syscalls.h"

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
    std::uint8_t tos = 0;
    /// Tells it from a later socket with the same addresses.
    std::array<std::uint32_t, 2> cookie{};
    /// TIME_WAIT and orphaned FIN_WAIT2: milliseconds until the kernel forgets it.
    std::optional<std::uint32_t> timer_ms;

    /// `portguard hold` has it.
    [[nodiscard]] bool is_hold() const { return state == SocketState::bound && tos == hold_tos; }
};

/// What a piece of a dump meant for the whole.
enum class DumpProgress : std::uint8_t {
    more,
    done,
    /// The kernel ended it with an error, kept in DumpParser::error().
    failed,
    /// Not a message that a kernel would send.
    malformed,
};

/// Reads the bytes of recv(2), one call a datagram. Takes bytes from anywhere: what cannot be a message is
/// `malformed`, never read beyond.
class DumpParser {
public:
    /// Sockets on another port than `port` are left out, unless that is 0: kernels differ in what they filter
    /// (K13).
    DumpParser(Protocol protocol, std::uint16_t port, std::uint32_t sequence)
        : protocol_(protocol), port_(port), sequence_(sequence) {}

    DumpProgress feed(std::span<const std::byte> bytes, std::vector<DiagSocket>& out);

    /// errno of DumpProgress::failed.
    [[nodiscard]] int error() const { return error_; }
    /// Sockets came and went meanwhile (NLM_F_DUMP_INTR): some may be missing, or there twice.
    [[nodiscard]] bool interrupted() const { return interrupted_; }

private:
    Protocol protocol_;
    std::uint16_t port_;
    std::uint32_t sequence_;
    int error_ = 0;
    bool interrupted_ = false;
};

struct DumpResult {
    /// 0; else why the list is not whole: an errno of socket(2), send(2), recv(2) or of the kernel's answer;
    /// ETIME: the deadline passed; EBADMSG: an answer that makes no sense; EAGAIN: it changed while it was
    /// read, twice.
    int error = 0;
};

/// Appends the sockets of `protocol` (Protocol::udp, else TCP) in `family` (AF_INET, AF_INET6) whose local
/// port is `port` (0: any), of the network namespace of the calling thread. IPv6 sockets with v4-mapped
/// addresses are in AF_INET6's list.
DumpResult dump_sockets(int family, Protocol protocol, std::uint16_t port, const Deadline& deadline,
                        const Syscalls& syscalls, std::vector<DiagSocket>& out);

} // namespace portguard
