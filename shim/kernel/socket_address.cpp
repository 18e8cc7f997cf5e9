#include "kernel/socket_address.h"

#include "kernel/judged_call.h"
#include "kernel/overlap.h"
#include "kernel/syscalls.h"

namespace portguard {
namespace {

bool kernel_has_ipv6() {
    static const bool has_ipv6 =
        ScopedFd(static_cast<int>(judged_call(SYS_socket, AF_INET6, SOCK_STREAM | SOCK_CLOEXEC)), Syscalls{})
            .valid();
    return has_ipv6;
}

} // namespace

SocketAddress socket_address(const AskedAddress& asked) {
    Endpoint endpoint = asked.endpoint;
    if (endpoint.family == Family::ipv6 && endpoint.is_wildcard() && !asked.v6only && !kernel_has_ipv6()) {
        endpoint.family = Family::ipv4;
    }
    return SocketAddress(endpoint, asked.device);
}

} // namespace portguard
