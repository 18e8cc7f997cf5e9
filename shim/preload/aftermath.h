// What follows a call that went wrong, or that has to be told about. Never on the path of a call that
// succeeds unremarkably.
#pragma once

#include <sys/socket.h>

#include "core/event.h"
#include "core/policy.h"
#include "core/socket_facts.h"

namespace portguard {

/// The plan is against this bind. True: it has failed, and errno is set, by the plan or as the kernel itself
/// would have it. The memory may be of another socket by now, so the kernel is asked first: what it would not
/// take as a bind is left to it. False: the call is to be made; `verdict` says what to remember.
[[gnu::cold]] bool refuse_bind(int fd, const sockaddr* address, socklen_t length, Target target,
                               Verdict& verdict);

/// The plan is against this listen, by what is remembered. True: refused, and errno is set. False: the kernel
/// says otherwise, or the number came from port 0.
[[gnu::cold]] bool refuse_listen(int fd, const OutgoingPlan& plan);

/// bind failed with `error`: cures or tells it. Returns what the program is to get; errno is set only with
/// -1.
[[gnu::cold]] int after_failed_bind(int fd, const sockaddr* address, socklen_t length, SocketFacts facts,
                                    int error);

/// bind failed with errno on a socket that no plan is about, and succeeds never by our doing: told where it
/// was a unix socket's. Returns -1, with errno as it was.
[[gnu::cold]] int after_failed_foreign_bind(int fd, const sockaddr* address, socklen_t length);

/// setsockopt failed with errno on an option that joins_group(). Returns -1, with errno as it was.
[[gnu::cold]] int after_failed_join(int fd, int level, int option, const void* value, socklen_t length);

/// The plan is against this call, which went through all the same (mode=observe).
[[gnu::cold]] void tell_passed(int fd, Call call, const sockaddr* address, socklen_t length,
                               SocketFacts facts);

/// A listener on a port inside the range of outgoing connections, where the number did not come from port 0.
[[gnu::cold]] void tell_listener(int fd, DueReport report, SocketFacts facts);

/// listen failed with `error`: as after_failed_bind().
[[gnu::cold]] int after_failed_listen(int fd, int backlog, SocketFacts facts, int error);

/// No port is left to listen on; errno says so. Returns -1.
[[gnu::cold]] int after_exhausted_listen(int fd, SocketFacts facts);

/// bind to port 0 was told that it went through, and no port of `listen` is left now that it is asked for.
[[gnu::cold]] void tell_exhausted_port_zero(int fd, SocketFacts facts);

/// connect failed with errno, EINPROGRESS included. Returns -1, with errno as it was.
[[gnu::cold]] int after_failed_connect(int fd, const sockaddr* address, socklen_t length, SocketFacts facts);

} // namespace portguard
