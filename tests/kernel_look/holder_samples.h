// Sockets and addresses as values, for tests that need no kernel.
#pragma once

#include "kernel/overlap.h"
#include "support/sockets.h"

namespace portguard::test {

inline Endpoint endpoint(const char* text, std::uint16_t port) {
    const Address bytes = address(text, port);
    return read_endpoint(bytes.get(), bytes.length);
}

inline AskedAddress asked(const char* text, std::uint16_t port = 10000, bool v6only = false) {
    AskedAddress address;
    address.endpoint = endpoint(text, port);
    address.v6only = v6only;
    return address;
}

inline DiagSocket held(const char* text, SocketState state = SocketState::listen, bool v6only = false,
                       std::uint16_t port = 10000) {
    DiagSocket socket;
    socket.protocol = Protocol::tcp;
    socket.state = state;
    socket.local = endpoint(text, port);
    socket.v6only = v6only;
    return socket;
}

} // namespace portguard::test
