#include "explain/probe.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include "kernel/syscalls.h"

namespace portguard {
namespace {

void set(int fd, int level, int option, int value) {
    setsockopt(fd, level, option, &value, sizeof value);
}

int bind_as(int fd, const AskedSocket& asked) {
    const Endpoint& endpoint = asked.address.endpoint;
    if (endpoint.family == Family::ipv4) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(endpoint.port);
        std::memcpy(&address.sin_addr, endpoint.address.data(), sizeof address.sin_addr);
        return bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
    }
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(endpoint.port);
    address.sin6_scope_id = asked.address.device;
    std::memcpy(&address.sin6_addr, endpoint.address.data(), sizeof address.sin6_addr);
    return bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

} // namespace

bool are_bound_sockets_shown() {
    utsname system{};
    if (uname(&system) != 0) {
        return false;
    }
    char* end = nullptr;
    const long major = std::strtol(system.release, &end, 10);
    const long minor = *end == '.' ? std::strtol(end + 1, nullptr, 10) : 0;
    return major > 6 || (major == 6 && minor >= 8);
}

std::optional<int> probe_bind(const AskedSocket& asked, bool sees_all) {
    const Endpoint& endpoint = asked.address.endpoint;
    if (endpoint.family == Family::other || endpoint.port == 0) {
        return std::nullopt;
    }
    const bool is_udp = asked.protocol == Protocol::udp;
    const int family = endpoint.family == Family::ipv6 ? AF_INET6 : AF_INET;
    const Syscalls syscalls;
    const ScopedFd probe(socket(family, (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0), syscalls);
    if (!probe.valid()) {
        return std::nullopt;
    }
    if (family == AF_INET6) {
        set(probe.get(), IPPROTO_IPV6, IPV6_V6ONLY, asked.address.v6only ? 1 : 0);
    }
    if (asked.device != 0) {
        set(probe.get(), SOL_SOCKET, SO_BINDTOIFINDEX, static_cast<int>(asked.device));
    }
    if (!is_udp && sees_all && are_bound_sockets_shown()) {
        set(probe.get(), IPPROTO_IP, IP_TOS, hold_tos);
        set(probe.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    }
    return bind_as(probe.get(), asked);
}

} // namespace portguard
