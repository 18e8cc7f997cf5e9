#include "kernel/sock_diag_query.h"

#include <array>
#include <cerrno>
#include <memory>
#include <system_error>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

namespace portguard::test {
namespace {

constexpr std::uint32_t sequence = 1;
using Socket = std::unique_ptr<mnl_socket, int (*)(mnl_socket*)>;

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

Socket open_sock_diag() {
    Socket socket(::mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC), ::mnl_socket_close);
    if (socket == nullptr || ::mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) != 0) {
        fail("open sock_diag");
    }
    return socket;
}

void add_port_equals(nlmsghdr* header, std::uint16_t port) {
    // An operation and its operand. From an operation, `yes` leads to the next one (here the end: accept) and
    // `no` beyond the end: reject.
    std::array<inet_diag_bc_op, 2> code{};
    code[0].code = INET_DIAG_BC_S_EQ;
    code[0].yes = sizeof code;
    code[0].no = sizeof code + sizeof code[0];
    code[1].no = port;
    ::mnl_attr_put(header, INET_DIAG_REQ_BYTECODE, sizeof code, code.data());
}

int keep_attribute(const nlattr* attribute, void* data) {
    auto& attributes = *static_cast<std::map<int, std::string>*>(data);
    attributes[::mnl_attr_get_type(attribute)] = std::string(
        static_cast<const char*>(::mnl_attr_get_payload(attribute)), ::mnl_attr_get_payload_len(attribute));
    return MNL_CB_OK;
}

int keep_socket(const nlmsghdr* header, void* data) {
    DiagSocket socket;
    socket.message = *static_cast<const inet_diag_msg*>(::mnl_nlmsg_get_payload(header));
    ::mnl_attr_parse(header, sizeof(inet_diag_msg), keep_attribute, &socket.attributes);
    static_cast<std::vector<DiagSocket>*>(data)->push_back(std::move(socket));
    return MNL_CB_OK;
}

/// Reads until the kernel says done, acknowledges or refuses.
Outcome read_answer(const Socket& socket, std::vector<DiagSocket>* found) {
    std::array<char, 32768> buffer{};
    int more = MNL_CB_OK;
    while (more > MNL_CB_STOP) {
        const ssize_t length = ::mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
        if (length < 0) {
            fail("receive from sock_diag");
        }
        more = ::mnl_cb_run(buffer.data(), static_cast<std::size_t>(length), sequence,
                            ::mnl_socket_get_portid(socket.get()), found != nullptr ? keep_socket : nullptr,
                            found);
    }
    return outcome_of(more);
}

Outcome ask(nlmsghdr* header, std::vector<DiagSocket>* found) {
    const Socket socket = open_sock_diag();
    header->nlmsg_seq = sequence;
    if (::mnl_socket_sendto(socket.get(), header, header->nlmsg_len) < 0) {
        fail("send to sock_diag");
    }
    return read_answer(socket, found);
}

} // namespace

std::uint16_t DiagSocket::port() const {
    return ntohs(message.id.idiag_sport);
}

std::vector<DiagSocket> sock_diag(const DiagRequest& request) {
    alignas(nlmsghdr) std::array<char, 512> buffer{};
    nlmsghdr* header = ::mnl_nlmsg_put_header(buffer.data());
    header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    auto* query =
        static_cast<inet_diag_req_v2*>(::mnl_nlmsg_put_extra_header(header, sizeof(inet_diag_req_v2)));
    query->sdiag_family = static_cast<std::uint8_t>(request.family);
    query->sdiag_protocol = IPPROTO_TCP;
    query->idiag_ext = request.extensions;
    query->idiag_states = request.states;
    query->id.idiag_sport = htons(request.port);
    if (request.bytecode_port) {
        add_port_equals(header, *request.bytecode_port);
    }
    std::vector<DiagSocket> found;
    const Outcome outcome = ask(header, &found);
    if (outcome != success) {
        throw std::system_error(outcome.error, std::generic_category(), "sock_diag dump");
    }
    return found;
}

Outcome sock_destroy(const DiagSocket& socket) {
    alignas(nlmsghdr) std::array<char, 512> buffer{};
    nlmsghdr* header = ::mnl_nlmsg_put_header(buffer.data());
    header->nlmsg_type = SOCK_DESTROY;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    auto* query =
        static_cast<inet_diag_req_v2*>(::mnl_nlmsg_put_extra_header(header, sizeof(inet_diag_req_v2)));
    query->sdiag_family = socket.message.idiag_family;
    query->sdiag_protocol = IPPROTO_TCP;
    query->idiag_states = all_states_but_bound;
    query->id = socket.message.id;
    return ask(header, nullptr);
}

} // namespace portguard::test
