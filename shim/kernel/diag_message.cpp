#include "kernel/diag_message.h"

#include <array>
#include <cstring>

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>

namespace portguard {
namespace {

// include/net/tcp_states.h. TCP_BOUND_INACTIVE is never answered (K13).
enum KernelState : std::uint8_t {
    kernel_established = 1,
    kernel_syn_sent = 2,
    kernel_fin_wait1 = 4,
    kernel_fin_wait2 = 5,
    kernel_time_wait = 6,
    kernel_close = 7,
    kernel_close_wait = 8,
    kernel_last_ack = 9,
    kernel_listen = 10,
    kernel_closing = 11,
};

constexpr std::uint8_t time_wait_timer = 3; // idiag_timer, inet_twsk_diag_fill() in net/ipv4/inet_diag.c

SocketState state_from(std::uint8_t kernel_state, Protocol protocol) {
    switch (kernel_state) {
    case kernel_established: return SocketState::established;
    case kernel_syn_sent: return SocketState::syn_sent;
    case kernel_fin_wait1: return SocketState::fin_wait1;
    case kernel_fin_wait2: return SocketState::fin_wait2;
    case kernel_time_wait: return SocketState::time_wait;
    case kernel_close_wait: return SocketState::close_wait;
    case kernel_last_ack: return SocketState::last_ack;
    case kernel_listen: return SocketState::listen;
    case kernel_closing: return SocketState::closing;
    case kernel_close: return protocol == Protocol::udp ? SocketState::unconnected : SocketState::bound;
    default: return SocketState::unknown;
    }
}

/// `words` is idiag_src or idiag_dst.
Endpoint endpoint_from(std::uint8_t family, const __be32* words, __be16 port) {
    if (family == AF_INET6) {
        sockaddr_in6 address{};
        address.sin6_family = AF_INET6;
        address.sin6_port = port;
        std::memcpy(&address.sin6_addr, words, sizeof address.sin6_addr);
        return read_endpoint(reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = port;
    std::memcpy(&address.sin_addr, words, sizeof address.sin_addr);
    return read_endpoint(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

void read_attributes(std::span<const std::byte> bytes, DiagSocket& socket) {
    while (const auto attribute = take_attribute(bytes)) {
        const auto value = read_value<std::uint8_t>(attribute->payload);
        if (!value.has_value()) {
            continue;
        }
        switch (attribute->type) {
        case INET_DIAG_TOS: socket.tos = *value; break;
        case INET_DIAG_SKV6ONLY: socket.v6only = *value != 0; break;
        case INET_DIAG_CGROUP_ID:
            socket.cgroup = read_value<std::uint64_t>(attribute->payload).value_or(0);
            break;
        default: break;
        }
    }
}

DiagSocket socket_from(const inet_diag_msg& message, std::span<const std::byte> attributes,
                       Protocol protocol) {
    DiagSocket socket;
    socket.protocol = protocol;
    socket.state = state_from(message.idiag_state, protocol);
    socket.local = endpoint_from(message.idiag_family, message.id.idiag_src, message.id.idiag_sport);
    socket.remote = endpoint_from(message.idiag_family, message.id.idiag_dst, message.id.idiag_dport);
    socket.device = message.id.idiag_if;
    socket.inode = message.idiag_inode;
    socket.uid = message.idiag_uid;
    std::memcpy(socket.cookie.data(), message.id.idiag_cookie, sizeof message.id.idiag_cookie);
    if (message.idiag_timer == time_wait_timer) {
        socket.timer_ms = message.idiag_expires;
    }
    read_attributes(attributes, socket);
    return socket;
}

/// "low <= local port <= high" for the kernel's filter machine. Each condition jumps to the end or, one
/// command beyond it, to "no".
std::array<inet_diag_bc_op, 4> port_filter(PortRange ports) {
    constexpr unsigned char step = 2 * sizeof(inet_diag_bc_op);
    constexpr unsigned short beyond = sizeof(inet_diag_bc_op);
    return {{{INET_DIAG_BC_S_GE, step, 2 * step + beyond},
             {INET_DIAG_BC_NOP, 0, ports.low},
             {INET_DIAG_BC_S_LE, step, step + beyond},
             {INET_DIAG_BC_NOP, 0, ports.high}}};
}

/// `query` but for what the two forms of the question have in common.
template <typename Query>
void put(NetlinkRequest& request, Query query, PortRange ports, std::uint32_t states,
         std::uint16_t remote_port) {
    query.idiag_ext = 1U << (INET_DIAG_TOS - 1);
    query.idiag_states = states;
    query.id.idiag_sport = htons(ports.low == ports.high ? ports.low : 0);
    query.id.idiag_dport = htons(remote_port);
    request.body(query);
    if (!ports.empty()) {
        const auto filter = port_filter(ports);
        request.attribute(INET_DIAG_REQ_BYTECODE, filter.data(), sizeof filter);
    }
}

} // namespace

NetlinkRequest socket_request(const DiagSocket& socket, std::uint16_t type, std::uint16_t flags,
                              std::uint32_t states, std::uint8_t extension) {
    inet_diag_req_v2 query{};
    query.sdiag_family = socket.local.family == Family::ipv6 ? AF_INET6 : AF_INET;
    query.sdiag_protocol = socket.protocol == Protocol::udp ? IPPROTO_UDP : IPPROTO_TCP;
    query.idiag_ext = extension == 0 ? std::uint8_t{0} : static_cast<std::uint8_t>(1U << (extension - 1));
    query.idiag_states = states;
    query.id.idiag_sport = htons(socket.local.port);
    query.id.idiag_dport = htons(socket.remote.port);
    std::memcpy(query.id.idiag_src, socket.local.address.data(), sizeof query.id.idiag_src);
    std::memcpy(query.id.idiag_dst, socket.remote.address.data(), sizeof query.id.idiag_dst);
    query.id.idiag_if = socket.device;
    std::memcpy(query.id.idiag_cookie, socket.cookie.data(), sizeof query.id.idiag_cookie);
    NetlinkRequest request(type, flags, 1);
    request.body(query);
    return request;
}

NetlinkRequest dump_request(int family, Protocol protocol, PortRange ports, std::uint32_t states,
                            std::uint32_t sequence, std::uint16_t remote_port) {
    NetlinkRequest request(family == AF_UNSPEC ? TCPDIAG_GETSOCK : SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, sequence);
    if (family == AF_UNSPEC) {
        put(request, inet_diag_req{}, ports, states, remote_port);
    } else {
        inet_diag_req_v2 query{};
        query.sdiag_family = static_cast<std::uint8_t>(family);
        query.sdiag_protocol = protocol == Protocol::udp ? IPPROTO_UDP : IPPROTO_TCP;
        put(request, query, ports, states, remote_port);
    }
    return request;
}

DumpProgress DumpParser::next(std::span<const std::byte>& bytes, DiagSocket& out) {
    while (!bytes.empty()) {
        const std::span<const std::byte> before = bytes;
        const auto message = take_message(bytes);
        if (!message.has_value()) {
            return DumpProgress::malformed;
        }
        if (message->sequence != sequence_) {
            continue;
        }
        interrupted_ = interrupted_ || (message->flags & NLM_F_DUMP_INTR) != 0;
        if (message->type == NLMSG_DONE || message->type == NLMSG_ERROR) {
            error_ = error_in(*message);
            return error_ == 0 ? DumpProgress::done : DumpProgress::failed;
        }
        if (message->type != SOCK_DIAG_BY_FAMILY && message->type != TCPDIAG_GETSOCK) {
            continue;
        }
        const auto body = read_value<inet_diag_msg>(message->payload);
        if (!body.has_value()) {
            return DumpProgress::malformed;
        }
        out = socket_from(*body, message->payload.subspan(sizeof *body), protocol_);
        if (ports_.empty() || ports_.contains(out.local.port)) {
            message_ = before.first(before.size() - bytes.size());
            return DumpProgress::socket;
        }
    }
    return DumpProgress::more;
}

} // namespace portguard
