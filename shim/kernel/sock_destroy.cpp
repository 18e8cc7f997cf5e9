#include "kernel/sock_destroy.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>

namespace portguard {
namespace {

// TCP_TIME_WAIT of include/net/tcp_states.h.
constexpr std::uint32_t time_wait_bit = 1U << 6;

struct Message {
    alignas(nlmsghdr) std::array<char, 256> bytes{};
    std::size_t length = 0;
};

/// v4-mapped sockets are found among IPv4's: one hash table has both.
Message build_request(const DiagSocket& socket) {
    Message message;
    nlmsghdr* header = mnl_nlmsg_put_header(message.bytes.data());
    header->nlmsg_type = SOCK_DESTROY;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    header->nlmsg_seq = 1;
    auto* query =
        static_cast<inet_diag_req_v2*>(mnl_nlmsg_put_extra_header(header, sizeof(inet_diag_req_v2)));
    query->sdiag_family = socket.local.family == Family::ipv6 ? AF_INET6 : AF_INET;
    query->sdiag_protocol = IPPROTO_TCP;
    query->idiag_states = time_wait_bit;
    query->id.idiag_sport = htons(socket.local.port);
    query->id.idiag_dport = htons(socket.remote.port);
    std::memcpy(query->id.idiag_src, socket.local.address.data(), sizeof query->id.idiag_src);
    std::memcpy(query->id.idiag_dst, socket.remote.address.data(), sizeof query->id.idiag_dst);
    query->id.idiag_if = socket.device;
    std::memcpy(query->id.idiag_cookie, socket.cookie.data(), sizeof query->id.idiag_cookie);
    message.length = header->nlmsg_len;
    return message;
}

} // namespace

int destroy_time_wait(const DiagSocket& socket, const Syscalls& syscalls) {
    const ScopedFd fd(syscalls.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG), syscalls);
    if (!fd.valid()) {
        return errno;
    }
    const Message request = build_request(socket);
    if (syscalls.send(fd.get(), request.bytes.data(), request.length, 0) < 0) {
        return errno;
    }
    // The kernel has answered before send(2) returns.
    Message answer;
    const ssize_t length = syscalls.recv(fd.get(), answer.bytes.data(), answer.bytes.size(), MSG_DONTWAIT);
    if (length < 0) {
        return errno;
    }
    const auto* header = reinterpret_cast<const nlmsghdr*>(answer.bytes.data());
    int result = 0;
    if (!mnl_nlmsg_ok(header, static_cast<int>(length)) || header->nlmsg_type != NLMSG_ERROR ||
        mnl_nlmsg_get_payload_len(header) < sizeof result) {
        return EBADMSG;
    }
    std::memcpy(&result, mnl_nlmsg_get_payload(header), sizeof result);
    return -result;
}

} // namespace portguard
