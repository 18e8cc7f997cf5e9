// One netlink(7) request that the kernel acknowledges.
#pragma once

#include "kernel/netlink.h"

namespace portguard {

/// Sends `request`, whose flags have NLM_F_ACK, on a socket of its own (NETLINK_ROUTE and its like). 0, or an
/// errno: the kernel's answer, EBADMSG where that is no acknowledgement.
int ask_netlink(int family, NetlinkRequest& request);

} // namespace portguard
