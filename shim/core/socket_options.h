// Socket options that the headers of this system (Linux 6.1) do not name yet.
#pragma once

#include <netinet/in.h>

namespace portguard {

inline constexpr int ip_local_port_range =
    51; // IP_LOCAL_PORT_RANGE at SOL_IP, include/uapi/linux/in.h, Linux 6.3

} // namespace portguard
