// Removing a socket from outside: SOCK_DESTROY (sock_diag(7), tcp_abort() in net/ipv4/tcp.c).
#pragma once

#include "kernel/sock_diag.h"

namespace portguard {

/// Forgets a TCP socket that a dump has shown, in the network namespace of the calling thread. For TIME_WAIT
/// only: anything else would be aborted. 0, or an errno: EPERM without CAP_NET_ADMIN, EOPNOTSUPP where the
/// kernel was built without INET_DIAG_DESTROY, ENOENT where it has gone, ESTALE where another one has its
/// addresses.
int destroy_time_wait(const DiagSocket& socket);

} // namespace portguard
