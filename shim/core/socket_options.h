// Socket options that the headers of this system (Linux 6.1) do not name yet.
#pragma once

#include <netinet/in.h>

namespace portguard {

inline constexpr int ip_local_port_range =
    51; // IP_LOCAL_PORT_RANGE at SOL_IP, include/uapi/linux/in.h, Linux 6.3

} // namespace portguard

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 // include/uapi/asm-generic/socket.h, since Linux 5.14
#endif
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262 // include/uapi/linux/in.h; glibc names it since 2.32
#endif
