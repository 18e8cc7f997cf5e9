#include "kernel/sock_diag_query.h"

#include <array>
#include <cerrno>
#include <span>
#include <system_error>

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

#include "kernel/netlink.h"

namespace portguard::test {
namespace {

constexpr std::uint32_t sequence = 1;

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

Fd open_sock_diag() {
    Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
    if (!socket.valid()) {
        fail("open sock_diag");
    }
    return socket;
}

void add_port_equals(NetlinkRequest& request, std::uint16_t port) {
    // An operation and its operand. From an operation, `yes` leads to the next one (here the end: accept) and
    // `no` beyond the end: reject.
    std::array<inet_diag_bc_op, 2> code{};
    code[0].code = INET_DIAG_BC_S_EQ;
    code[0].yes = sizeof code;
    code[0].no = sizeof code + sizeof code[0];
    code[1].no = port;
    request.attribute(INET_DIAG_REQ_BYTECODE, code.data(), sizeof code);
}

DiagSocket socket_from(const NetlinkMessage& message) {
    DiagSocket socket;
    socket.message = read_value<inet_diag_msg>(message.payload).value();
    auto rest = message.payload.subspan(sizeof socket.message);
    while (const auto attribute = take_attribute(rest)) {
        socket.attributes[attribute->type] =
            std::string(reinterpret_cast<const char*>(attribute->payload.data()), attribute->payload.size());
    }
    return socket;
}

/// Reads until the kernel says done, acknowledges or refuses.
Outcome read_answer(const Fd& socket, std::vector<DiagSocket>* found) {
    std::array<std::byte, 32768> buffer{};
    while (true) {
        const ssize_t length = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
        if (length < 0) {
            fail("receive from sock_diag");
        }
        std::span<const std::byte> bytes(buffer.data(), static_cast<std::size_t>(length));
        while (const auto message = take_message(bytes)) {
            if (message->type == NLMSG_DONE || message->type == NLMSG_ERROR) {
                return Outcome{error_in(*message)};
            }
            if (found != nullptr) {
                found->push_back(socket_from(*message));
            }
        }
    }
}

Outcome ask(NetlinkRequest& request, std::vector<DiagSocket>* found) {
    const Fd socket = open_sock_diag();
    const auto question = request.bytes();
    if (::send(socket.get(), question.data(), question.size(), 0) < 0) {
        fail("send to sock_diag");
    }
    return read_answer(socket, found);
}

} // namespace

std::uint16_t DiagSocket::port() const {
    return ntohs(message.id.idiag_sport);
}

std::vector<DiagSocket> sock_diag(const DiagRequest& request) {
    inet_diag_req_v2 query{};
    query.sdiag_family = static_cast<std::uint8_t>(request.family);
    query.sdiag_protocol = IPPROTO_TCP;
    query.idiag_ext = request.extensions;
    query.idiag_states = request.states;
    query.id.idiag_sport = htons(request.port);
    NetlinkRequest dump(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, sequence);
    dump.body(query);
    if (request.bytecode_port) {
        add_port_equals(dump, *request.bytecode_port);
    }
    std::vector<DiagSocket> found;
    const Outcome outcome = ask(dump, &found);
    if (outcome != success) {
        throw std::system_error(outcome.error, std::generic_category(), "sock_diag dump");
    }
    return found;
}

Outcome sock_destroy(const DiagSocket& socket) {
    inet_diag_req_v2 query{};
    query.sdiag_family = socket.message.idiag_family;
    query.sdiag_protocol = IPPROTO_TCP;
    query.idiag_states = all_states_but_bound;
    query.id = socket.message.id;
    NetlinkRequest request(SOCK_DESTROY, NLM_F_ACK, sequence);
    return ask(request.body(query), nullptr);
}

} // namespace portguard::test
