// Faults that the option `inject` asks for (core/inject.h): counted in this process, told as what they are.
#pragma once

#include <sys/socket.h>

#include "core/call.h"
#include "core/socket_facts.h"
#include "preload/guard.h"

namespace portguard::inject {

/// What `fails` says where there are rules.
bool fails_by_rule(int fd, Call call, const sockaddr* address, socklen_t length, SocketFacts facts);

/// True: the call has to fail; errno is set, and the event told. `address` is null for listen.
inline bool fails(int fd, Call call, const sockaddr* address, socklen_t length, SocketFacts facts) {
    return !guard::config().inject.empty() && fails_by_rule(fd, call, address, length, facts);
}

} // namespace portguard::inject
