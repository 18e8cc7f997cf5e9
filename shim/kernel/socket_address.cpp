#include "kernel/socket_address.h"

#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "kernel/syscalls.h"

namespace portguard {
namespace {

bool kernel_has_ipv6() {
    static const bool has_ipv6 =
        ScopedFd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), Syscalls{}).valid();
    return has_ipv6;
}

} // namespace

SocketAddress::SocketAddress(const AskedAddress& asked) {
    const Endpoint& endpoint = asked.endpoint;
    const bool ipv6 =
        endpoint.family == Family::ipv6 && (!endpoint.is_wildcard() || asked.v6only || kernel_has_ipv6());
    if (ipv6) {
        sockaddr_in6 value{};
        value.sin6_family = AF_INET6;
        value.sin6_port = htons(endpoint.port);
        std::memcpy(&value.sin6_addr, endpoint.address.data(), sizeof value.sin6_addr);
        value.sin6_scope_id = asked.device;
        length_ = sizeof value;
        std::memcpy(&storage_, &value, sizeof value);
        return;
    }
    sockaddr_in value{};
    value.sin_family = AF_INET;
    value.sin_port = htons(endpoint.port);
    if (endpoint.family == Family::ipv4) {
        std::memcpy(&value.sin_addr, endpoint.address.data(), sizeof value.sin_addr);
    }
    length_ = sizeof value;
    std::memcpy(&storage_, &value, sizeof value);
}

} // namespace portguard
