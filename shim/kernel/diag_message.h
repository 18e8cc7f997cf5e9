// The questions and answers of NETLINK_SOCK_DIAG about internet sockets (sock_diag(7), net/ipv4/inet_diag.c).
// Without a heap and without system calls: the look-ups of the command and those of a child of the preloaded
// object share it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/port_set.h"
#include "kernel/diag_socket.h"
#include "kernel/netlink.h"

namespace portguard {

/// A dump's datagram is at most 32 KiB (netlink_dump() in net/netlink/af_netlink.c).
inline constexpr std::size_t dump_datagram_size = 32768;

/// Sets of states to ask for: bits of include/net/tcp_states.h.
inline constexpr std::uint32_t diag_listen = 1U << 10;
/// Since Linux 6.8, and answered as CLOSE (K13).
inline constexpr std::uint32_t diag_bound = 1U << 13;
/// ESTABLISHED, SYN_SENT, FIN_WAIT1, FIN_WAIT2, TIME_WAIT, CLOSE_WAIT, LAST_ACK and CLOSING.
inline constexpr std::uint32_t diag_connected =
    1U << 1 | 1U << 2 | 1U << 4 | 1U << 5 | 1U << 6 | 1U << 8 | 1U << 9 | 1U << 11;
/// UDP that is not connected.
inline constexpr std::uint32_t diag_close = 1U << 7;
/// All but SYN_RECV and NEW_SYN_RECV: those share the port of their listener and hold none of their own.
inline constexpr std::uint32_t diag_all = diag_listen | diag_bound | diag_connected | diag_close;

/// Asks for the sockets of `protocol` (Protocol::udp, else TCP) in `family` that are in one of `states` and
/// have a local port of `ports` (empty: any). AF_INET6's include those with v4-mapped addresses. AF_UNSPEC
/// asks for TCP of both families, by the older message, which walks the kernel's tables once instead of
/// twice; where it is not known (qemu-user, gVisor) an error is the answer. `remote_port` is the peer's (0:
/// any).
NetlinkRequest dump_request(int family, Protocol protocol, PortRange ports, std::uint32_t states,
                            std::uint32_t sequence, std::uint16_t remote_port = 0);

/// Names one socket that a dump has shown, if it is in one of `states`. v4-mapped ones are found among
/// IPv4's: one hash table has both. `type` is SOCK_DIAG_BY_FAMILY or SOCK_DESTROY, `extension` INET_DIAG_INFO
/// and its like; 0: none.
NetlinkRequest socket_request(const DiagSocket& socket, std::uint16_t type, std::uint16_t flags,
                              std::uint32_t states, std::uint8_t extension = 0);

/// What a piece of a dump meant for the whole.
enum class DumpProgress : std::uint8_t {
    /// Only of DumpParser::next().
    socket,
    more,
    done,
    /// The kernel ended it with an error, kept in DumpParser::error().
    failed,
    /// Not a message that a kernel would send.
    malformed,
};

/// Reads what recv(2) returned. Takes bytes from anywhere: what cannot be a message is `malformed`, never
/// read beyond.
class DumpParser {
public:
    /// Sockets on other ports than `ports` are left out, unless those are empty: kernels differ in what they
    /// filter (K13).
    DumpParser(Protocol protocol, PortRange ports, std::uint32_t sequence)
        : protocol_(protocol), ports_(ports), sequence_(sequence) {}

    /// Takes messages from `bytes`, which begin as one datagram, up to the next socket.
    DumpProgress next(std::span<const std::byte>& bytes, DiagSocket& out);

    /// Appends all sockets of one datagram. Never DumpProgress::socket.
    template <typename Sockets>
    DumpProgress feed(std::span<const std::byte> bytes, Sockets& out) {
        if (bytes.empty()) {
            return DumpProgress::malformed;
        }
        DiagSocket socket;
        DumpProgress progress = next(bytes, socket);
        for (; progress == DumpProgress::socket; progress = next(bytes, socket)) {
            out.push_back(socket);
        }
        return progress;
    }

    /// What the kernel said of the socket that next() has read.
    [[nodiscard]] std::span<const std::byte> message() const { return message_; }
    /// errno of DumpProgress::failed.
    [[nodiscard]] int error() const { return error_; }
    /// Sockets came and went meanwhile (NLM_F_DUMP_INTR): some may be missing, or there twice.
    [[nodiscard]] bool interrupted() const { return interrupted_; }

private:
    Protocol protocol_;
    PortRange ports_;
    std::uint32_t sequence_;
    std::span<const std::byte> message_;
    int error_ = 0;
    bool interrupted_ = false;
};

} // namespace portguard
