// What follows a call that went wrong, or that has to be told about. Never on the path of a call that
// succeeds unremarkably.
#pragma once

#include <sys/socket.h>

#include "core/event.h"
#include "core/socket_facts.h"

namespace portguard {

/// A fixed port inside the range of outgoing connections. `address` null: the socket's own.
[[gnu::cold]] void tell_ephemeral(int fd, Call call, const sockaddr* address, socklen_t length,
                                  SocketFacts facts);

/// The plan is against this bind. True: refused, and errno is set. The memory may be of another socket by
/// now, so the kernel is asked first: what it would not take as a bind is left to it.
[[gnu::cold]] bool refuse(int fd, const sockaddr* address, socklen_t length);

/// bind failed with errno: cures or tells it. Returns what the program is to get.
[[gnu::cold]] int after_failed_bind(int fd, const sockaddr* address, socklen_t length, SocketFacts facts);

/// The plan is against this bind, which went through all the same (mode=observe).
[[gnu::cold]] void tell_passed(int fd, const sockaddr* address, socklen_t length, SocketFacts facts);

/// listen failed with errno. Returns -1, with errno as it was.
[[gnu::cold]] int after_failed_listen(int fd, EventKind kind, SocketFacts facts);

/// connect failed with errno, EINPROGRESS included. Returns -1, with errno as it was.
[[gnu::cold]] int after_failed_connect(int fd, const sockaddr* address, socklen_t length, SocketFacts facts);

} // namespace portguard
