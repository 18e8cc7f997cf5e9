#include "kernel/sock_diag.h"

#include <algorithm>
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

// include/net/tcp_states.h. BOUND_INACTIVE is asked for as 13 and answered as CLOSE (K13).
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
    kernel_bound_inactive = 13,
};

// All but SYN_RECV and NEW_SYN_RECV: those share the port of their listener and hold none of their own.
constexpr std::uint32_t asked_states =
    1U << kernel_established | 1U << kernel_syn_sent | 1U << kernel_fin_wait1 | 1U << kernel_fin_wait2 |
    1U << kernel_time_wait | 1U << kernel_close | 1U << kernel_close_wait | 1U << kernel_last_ack |
    1U << kernel_listen | 1U << kernel_closing | 1U << kernel_bound_inactive;

constexpr std::uint8_t time_wait_timer = 3; // idiag_timer, inet_twsk_diag_fill() in net/ipv4/inet_diag.c

// A dump datagram is at most 32 KiB (netlink_dump() in net/netlink/af_netlink.c).
constexpr std::size_t answer_size = 32768;

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
    case kernel_bound_inactive: return SocketState::bound;
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

void read_attributes(const nlmsghdr* header, DiagSocket& socket) {
    const auto* end = static_cast<const char*>(mnl_nlmsg_get_payload_tail(header));
    const auto* attribute =
        static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(header, sizeof(inet_diag_msg)));
    // libmnl's own loop is a macro that C++ does not take.
    for (; mnl_attr_ok(attribute, static_cast<int>(end - reinterpret_cast<const char*>(attribute)));
         attribute = mnl_attr_next(attribute)) {
        if (mnl_attr_get_payload_len(attribute) < sizeof(std::uint8_t)) {
            continue;
        }
        switch (mnl_attr_get_type(attribute)) {
        case INET_DIAG_TOS: socket.tos = mnl_attr_get_u8(attribute); break;
        case INET_DIAG_SKV6ONLY: socket.v6only = mnl_attr_get_u8(attribute) != 0; break;
        default: break;
        }
    }
}

DiagSocket socket_from(const nlmsghdr* header, Protocol protocol) {
    inet_diag_msg message;
    std::memcpy(&message, mnl_nlmsg_get_payload(header), sizeof message);
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
    read_attributes(header, socket);
    return socket;
}

/// NLMSG_ERROR, or NLMSG_DONE with its result: a negative errno as the first word.
int error_in(const nlmsghdr* header) {
    int result = 0;
    if (mnl_nlmsg_get_payload_len(header) >= sizeof result) {
        std::memcpy(&result, mnl_nlmsg_get_payload(header), sizeof result);
    }
    return result < 0 && result > -4096 ? -result : 0;
}

/// "local port == port" for the kernel's filter machine. As GE and LE, since EQ is younger (Linux 5.x) than
/// what it would be good for; each condition jumps to the end or, one command beyond it, to "no".
std::array<inet_diag_bc_op, 4> port_filter(std::uint16_t port) {
    constexpr unsigned char step = 2 * sizeof(inet_diag_bc_op);
    constexpr unsigned short beyond = sizeof(inet_diag_bc_op);
    return {{{INET_DIAG_BC_S_GE, step, 2 * step + beyond},
             {INET_DIAG_BC_NOP, 0, port},
             {INET_DIAG_BC_S_LE, step, step + beyond},
             {INET_DIAG_BC_NOP, 0, port}}};
}

struct Request {
    alignas(nlmsghdr) std::array<char, 256> bytes{};
    std::size_t length = 0;
};

Request build_request(int family, Protocol protocol, std::uint16_t port, std::uint32_t sequence) {
    Request request;
    nlmsghdr* header = mnl_nlmsg_put_header(request.bytes.data());
    header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    header->nlmsg_seq = sequence;
    auto* query =
        static_cast<inet_diag_req_v2*>(mnl_nlmsg_put_extra_header(header, sizeof(inet_diag_req_v2)));
    query->sdiag_family = static_cast<std::uint8_t>(family);
    query->sdiag_protocol = protocol == Protocol::udp ? IPPROTO_UDP : IPPROTO_TCP;
    query->idiag_ext = 1U << (INET_DIAG_TOS - 1);
    query->idiag_states = asked_states;
    if (port != 0) {
        query->id.idiag_sport = htons(port);
        const auto filter = port_filter(port);
        mnl_attr_put(header, INET_DIAG_REQ_BYTECODE, sizeof filter, filter.data());
    }
    request.length = header->nlmsg_len;
    return request;
}

/// Waits until something can be read. 0, or an errno.
int wait_readable(int fd, const Deadline& deadline, const Syscalls& syscalls) {
    while (true) {
        pollfd entry{fd, POLLIN, 0};
        const int ready = syscalls.poll(&entry, 1, deadline.remaining_ms());
        if (ready > 0) {
            return 0;
        }
        if (ready == 0) {
            return ETIME;
        }
        if (errno != EINTR) {
            return errno;
        }
        if (deadline.passed()) {
            return ETIME;
        }
    }
}

int send_request(int fd, const Request& request, const Syscalls& syscalls) {
    while (syscalls.send(fd, request.bytes.data(), request.length, 0) < 0) {
        if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

/// Reads one dump to its end. 0, or an errno.
int receive_dump(int fd, DumpParser& parser, const Deadline& deadline, const Syscalls& syscalls,
                 std::vector<DiagSocket>& out) {
    std::vector<std::byte> answer(answer_size);
    while (true) {
        if (const int error = wait_readable(fd, deadline, syscalls); error != 0) {
            return error;
        }
        const ssize_t length = syscalls.recv(fd, answer.data(), answer.size(), MSG_DONTWAIT | MSG_TRUNC);
        if (length < 0 && (errno == EINTR || errno == EAGAIN)) {
            if (deadline.passed()) {
                return ETIME;
            }
            continue;
        }
        if (length < 0) {
            return errno;
        }
        if (static_cast<std::size_t>(length) > answer.size()) {
            return EBADMSG;
        }
        switch (parser.feed(std::span(answer).first(static_cast<std::size_t>(length)), out)) {
        case DumpProgress::more: break;
        case DumpProgress::done: return 0;
        case DumpProgress::failed: return parser.error();
        case DumpProgress::malformed: return EBADMSG;
        }
    }
}

constexpr std::array<std::string_view, 12> state_names{
    "UNKNOWN",    "ESTABLISHED", "SYN_SENT", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT",
    "CLOSE_WAIT", "LAST_ACK",    "LISTEN",   "CLOSING",   "BOUND",     "UNCONN",
};

} // namespace

std::string_view state_name(SocketState state) {
    return state_names[static_cast<std::size_t>(state)];
}

std::optional<SocketState> state_named(std::string_view name) {
    const auto* const found = std::find(state_names.begin(), state_names.end(), name);
    return found == state_names.end() ? std::nullopt
                                      : std::optional(static_cast<SocketState>(found - state_names.begin()));
}

DumpProgress DumpParser::feed(std::span<const std::byte> bytes, std::vector<DiagSocket>& out) {
    if (bytes.size() > answer_size || bytes.empty()) {
        return DumpProgress::malformed;
    }
    int left = static_cast<int>(bytes.size());
    const auto* header = reinterpret_cast<const nlmsghdr*>(bytes.data());
    for (; mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
        // libmnl looks for attributes up to the aligned end, which must not lie beyond the bytes, and takes a
        // length above INT_MAX for a negative one, which would be short enough.
        if (header->nlmsg_len % NLMSG_ALIGNTO != 0 || header->nlmsg_len > bytes.size()) {
            return DumpProgress::malformed;
        }
        if (header->nlmsg_seq != sequence_) {
            continue;
        }
        interrupted_ = interrupted_ || (header->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
        if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR) {
            error_ = error_in(header);
            return error_ == 0 ? DumpProgress::done : DumpProgress::failed;
        }
        if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY) {
            continue;
        }
        if (mnl_nlmsg_get_payload_len(header) < sizeof(inet_diag_msg)) {
            return DumpProgress::malformed;
        }
        DiagSocket socket = socket_from(header, protocol_);
        if (port_ == 0 || socket.local.port == port_) {
            out.push_back(socket);
        }
    }
    return left == 0 ? DumpProgress::more : DumpProgress::malformed;
}

DumpResult dump_sockets(int family, Protocol protocol, std::uint16_t port, const Deadline& deadline,
                        const Syscalls& syscalls, std::vector<DiagSocket>& out) {
    const ScopedFd fd(syscalls.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG), syscalls);
    if (!fd.valid()) {
        return {errno};
    }
    constexpr std::uint32_t attempts = 2;
    const std::size_t before = out.size();
    for (std::uint32_t sequence = 1; sequence <= attempts; ++sequence) {
        const Request request = build_request(family, protocol, port, sequence);
        if (const int error = send_request(fd.get(), request, syscalls); error != 0) {
            return {error};
        }
        DumpParser parser(protocol, port, sequence);
        const int error = receive_dump(fd.get(), parser, deadline, syscalls, out);
        if (error != 0 || !parser.interrupted()) {
            return {error};
        }
        if (sequence < attempts) {
            out.resize(before);
        }
    }
    return {EAGAIN};
}

} // namespace portguard
