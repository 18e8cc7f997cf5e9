// Whether the port is free after all, where no socket was seen to have it.
#pragma once

#include <optional>

#include "explain/asked_socket.h"

namespace portguard {

/// errno of binding a socket of our own to what was asked for, which is closed at once; 0: it went through.
/// `sees_all`: the kernel has shown every list. Since Linux 6.8 none is missing in those (K13), and the probe
/// has SO_REUSEADDR and the tag of a hold, so that no server that starts meanwhile is kept off. Nothing: no
/// socket was to be had, or nothing is known of the address.
std::optional<int> probe_bind(const AskedSocket& asked, bool sees_all);

/// Since Linux 6.8.
bool are_bound_sockets_shown();

} // namespace portguard
