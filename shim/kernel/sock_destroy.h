// Removing a socket from outside: SOCK_DESTROY (sock_diag(7), tcp_abort() in net/ipv4/tcp.c).
#pragma once

#include "kernel/sock_diag.h"

namespace portguard {

/// Ends a TCP socket that a dump has shown, in the network namespace of the calling thread. A TIME_WAIT is
/// forgotten; anything else is aborted, and its peer reset. 0, or an errno: EPERM without CAP_NET_ADMIN,
/// EOPNOTSUPP where the kernel was built without INET_DIAG_DESTROY, or cannot do it to this socket, ENOENT
/// where it has gone, ESTALE where another one has its addresses.
int destroy_socket(const DiagSocket& socket);

/// Whether that removes a TIME_WAIT: before 6.0, tcp_abort() says EOPNOTSUPP.
bool destroys_time_wait();

/// Whether that removes a connection that its program has closed. Before 6.12, tcp_abort() empties the send
/// queue of an orphan and leaves the rest to timers that find nothing to send: the socket then stays for
/// ever. One in FIN_WAIT2 of which only a TIME_WAIT is left, whose timer is shown, is forgotten as such.
bool destroys_orphans();

} // namespace portguard
