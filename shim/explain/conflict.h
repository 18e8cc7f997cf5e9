// Whether a socket that overlaps stands in the way: the rule of inet_bind_conflict()
// (net/ipv4/inet_connection_sock.c) and of udp_lib_lport_inuse() (net/ipv4/udp.c). Pure.
#pragma once

#include <optional>

#include "explain/asked_socket.h"
#include "kernel/holders.h"

namespace portguard {

/// Nothing: a flag that decides could not be read.
std::optional<bool> conflicts(const AskedSocket& asked, const Holder& holder);

} // namespace portguard
