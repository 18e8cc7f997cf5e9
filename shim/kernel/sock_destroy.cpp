#include "kernel/sock_destroy.h"

#include <linux/netlink.h>
#include <linux/sock_diag.h>

#include "kernel/diag_message.h"
#include "kernel/kernel_release.h"
#include "kernel/netlink_ask.h"

namespace portguard {

int destroy_socket(const DiagSocket& socket) {
    NetlinkRequest request = socket_request(socket, SOCK_DESTROY, NLM_F_ACK, diag_connected);
    return ask_netlink(NETLINK_SOCK_DIAG, request);
}

bool destroys_time_wait() {
    return kernel_is_at_least(6, 0);
}

bool destroys_orphans() {
    return kernel_is_at_least(6, 12);
}

} // namespace portguard
