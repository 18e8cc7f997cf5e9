#include "kernel/sock_destroy.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>

#include "kernel/netlink.h"

namespace portguard {
namespace {

// TCP_TIME_WAIT of include/net/tcp_states.h.
constexpr std::uint32_t time_wait_bit = 1U << 6;

/// v4-mapped sockets are found among IPv4's: one hash table has both.
NetlinkRequest build_request(const DiagSocket& socket) {
    inet_diag_req_v2 query{};
    query.sdiag_family = socket.local.family == Family::ipv6 ? AF_INET6 : AF_INET;
    query.sdiag_protocol = IPPROTO_TCP;
    query.idiag_states = time_wait_bit;
    query.id.idiag_sport = htons(socket.local.port);
    query.id.idiag_dport = htons(socket.remote.port);
    std::memcpy(query.id.idiag_src, socket.local.address.data(), sizeof query.id.idiag_src);
    std::memcpy(query.id.idiag_dst, socket.remote.address.data(), sizeof query.id.idiag_dst);
    query.id.idiag_if = socket.device;
    std::memcpy(query.id.idiag_cookie, socket.cookie.data(), sizeof query.id.idiag_cookie);
    NetlinkRequest request(SOCK_DESTROY, NLM_F_ACK, 1);
    return request.body(query);
}

} // namespace

int destroy_time_wait(const DiagSocket& socket, const Syscalls& syscalls) {
    const ScopedFd fd(syscalls.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG), syscalls);
    if (!fd.valid()) {
        return errno;
    }
    NetlinkRequest request = build_request(socket);
    const auto question = request.bytes();
    if (syscalls.send(fd.get(), question.data(), question.size(), 0) < 0) {
        return errno;
    }
    // The kernel has answered before send(2) returns.
    std::array<std::byte, 512> answer;
    const ssize_t length = syscalls.recv(fd.get(), answer.data(), answer.size(), MSG_DONTWAIT);
    if (length < 0) {
        return errno;
    }
    std::span<const std::byte> bytes(answer.data(), static_cast<std::size_t>(length));
    const auto message = take_message(bytes);
    if (!message.has_value() || message->type != NLMSG_ERROR || message->payload.size() < sizeof(int)) {
        return EBADMSG;
    }
    return error_in(*message);
}

} // namespace portguard
