// What the kernel would have said of a call that the plan refuses.
#pragma once

#include <sys/socket.h>

namespace portguard {

/// The errno that bind(2) would have failed with, whoever holds the port: a wrong family or length, an
/// address that is not here, a privileged port, a socket that has a port already. 0: none of these. The
/// program's socket is asked about and never bound; a socket of our own is bound to port 0 in its place.
[[gnu::cold]] int kernel_answer_to_bind(int fd, const sockaddr* address, socklen_t length);

} // namespace portguard
