#include "kernel/sock_destroy.h"

#include <cstring>

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>

#include "kernel/netlink_ask.h"

namespace portguard {
namespace {

/// v4-mapped sockets are found among IPv4's: one hash table has both.
NetlinkRequest build_request(const DiagSocket& socket) {
    inet_diag_req_v2 query{};
    query.sdiag_family = socket.local.family == Family::ipv6 ? AF_INET6 : AF_INET;
    query.sdiag_protocol = IPPROTO_TCP;
    query.idiag_states = diag_connected;
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

int destroy_socket(const DiagSocket& socket) {
    NetlinkRequest request = build_request(socket);
    return ask_netlink(NETLINK_SOCK_DIAG, request);
}

} // namespace portguard
