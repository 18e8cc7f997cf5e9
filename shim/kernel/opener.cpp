#include "kernel/opener.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <vector>

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>

#include "kernel/diag_message.h"
#include "kernel/sock_diag.h"

namespace portguard {
namespace {

using Answer = std::array<std::byte, 4096>;

std::span<const std::byte> ask(const DiagSocket& socket, const Deadline& deadline, const Syscalls& syscalls,
                               Answer& answer) {
    const ScopedFd fd(syscalls.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG), syscalls);
    if (!fd.valid() || deadline.passed()) {
        return {};
    }
    NetlinkRequest request = socket_request(socket, SOCK_DIAG_BY_FAMILY, 0, ~0U, INET_DIAG_INFO);
    const auto question = request.bytes();
    if (syscalls.send(fd.get(), question.data(), question.size(), 0) < 0) {
        return {};
    }
    // The kernel has answered before send(2) returns.
    const ssize_t length = syscalls.recv(fd.get(), answer.data(), answer.size(), MSG_DONTWAIT);
    return length < 0 ? std::span<const std::byte>()
                      : std::span<const std::byte>(answer).first(static_cast<std::size_t>(length));
}

/// Older kernels have a shorter tcp_info: what they lack stays 0, which opener_by() has no answer to.
std::optional<SegmentCounts> counts_in(std::span<const std::byte> payload) {
    tcp_info info{};
    if (payload.size() < offsetof(tcp_info, tcpi_bytes_retrans) + sizeof info.tcpi_bytes_retrans) {
        return std::nullopt;
    }
    std::memcpy(&info, payload.data(), std::min(payload.size(), sizeof info));
    return SegmentCounts{info.tcpi_unacked, info.tcpi_bytes_acked, info.tcpi_bytes_sent,
                         info.tcpi_bytes_retrans};
}

} // namespace

Opener opener_by(const SegmentCounts& counts) {
    if (counts.unacknowledged != 0 || counts.sent_bytes < counts.repeated_bytes) {
        return Opener::unknown;
    }
    const std::uint64_t data = counts.sent_bytes - counts.repeated_bytes;
    if (counts.acknowledged_bytes == data) {
        return Opener::peer;
    }
    return counts.acknowledged_bytes == data + 1 ? Opener::this_side : Opener::unknown;
}

Opener ask_opener(const DiagSocket& socket, const Deadline& deadline, const Syscalls& syscalls) {
    if (socket.protocol == Protocol::udp ||
        (socket.state != SocketState::established && socket.state != SocketState::close_wait)) {
        return Opener::unknown;
    }
    Answer answer;
    std::span<const std::byte> bytes = ask(socket, deadline, syscalls, answer);
    const auto message = take_message(bytes);
    if (!message.has_value() || message->type != SOCK_DIAG_BY_FAMILY ||
        message->payload.size() < sizeof(inet_diag_msg)) {
        return Opener::unknown;
    }
    std::span<const std::byte> attributes = message->payload.subspan(sizeof(inet_diag_msg));
    while (const auto attribute = take_attribute(attributes)) {
        if (attribute->type == INET_DIAG_INFO) {
            const auto counts = counts_in(attribute->payload);
            return counts.has_value() ? opener_by(*counts) : Opener::unknown;
        }
    }
    return Opener::unknown;
}

bool is_still_there(const DiagSocket& socket, const Deadline& deadline, const Syscalls& syscalls) {
    std::vector<DiagSocket> sockets;
    const PortRange port{socket.local.port, socket.local.port};
    if (dump_both_families(socket.protocol, port, diag_all, deadline, syscalls, sockets).error != 0) {
        return true;
    }
    // What its program has closed, and TIME_WAIT, keep the cookie.
    return std::any_of(sockets.begin(), sockets.end(), [&](const DiagSocket& other) {
        return other.cookie == socket.cookie && other.inode == socket.inode;
    });
}

} // namespace portguard
