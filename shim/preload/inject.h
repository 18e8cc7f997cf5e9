// Faults that the option `inject` asks for (core/inject.h): counted in this process, told as what they are.
#pragma once

#include <sys/socket.h>

#include "core/call.h"
#include "core/socket_facts.h"

namespace portguard::inject {

/// True: the call has to fail; errno is set, and the event told. Only where guard::config().inject has rules.
/// `address` is null for listen.
bool fails(int fd, Call call, const sockaddr* address, socklen_t length, SocketFacts facts);

} // namespace portguard::inject
