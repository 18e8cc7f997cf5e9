// An Endpoint as the kernel takes it. No heap, no libc: the preloaded object has it too.
#pragma once

#include <cstdint>
#include <cstring>

#include <netinet/in.h>
#include <sys/socket.h>

#include "core/endpoint.h"

namespace portguard {

struct AskedAddress;

class SocketAddress {
public:
    /// `device` is the interface of a link-local address; 0: none.
    explicit SocketAddress(const Endpoint& endpoint, std::uint32_t device = 0) {
        if (endpoint.family == Family::ipv6) {
            sockaddr_in6 value{};
            value.sin6_family = AF_INET6;
            value.sin6_port = htons(endpoint.port);
            std::memcpy(&value.sin6_addr, endpoint.address.data(), sizeof value.sin6_addr);
            value.sin6_scope_id = device;
            keep(value);
        } else {
            sockaddr_in value{};
            value.sin_family = AF_INET;
            value.sin_port = htons(endpoint.port);
            std::memcpy(&value.sin_addr, endpoint.address.data(), sizeof value.sin_addr);
            keep(value);
        }
    }

    [[nodiscard]] int family() const { return get()->sa_family; }
    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&bytes_); }
    [[nodiscard]] socklen_t length() const { return length_; }

private:
    template <typename Value>
    void keep(const Value& value) {
        std::memcpy(&bytes_, &value, sizeof value);
        length_ = sizeof value;
    }

    alignas(sockaddr_in6) std::uint8_t bytes_[sizeof(sockaddr_in6)] = {};
    socklen_t length_ = 0;
};

/// 192.0.2.1 and 2001:db8::1 are for documentation: no socket of this host has a connection there, and
/// IP_FREEBIND, which needs no privilege, lets one bind there all the same.
inline Endpoint address_of_nobody(Family family, std::uint16_t port) {
    Endpoint endpoint;
    endpoint.family = family;
    endpoint.port = port;
    endpoint.address = {192, 0, 2, 1};
    if (family == Family::ipv6) {
        endpoint.address = {0x20, 0x01, 0x0d, 0xb8};
        endpoint.address[15] = 1;
    }
    return endpoint;
}

/// [::] becomes 0.0.0.0 where the kernel has no IPv6. Not for the preloaded object, which has no need of it.
SocketAddress socket_address(const AskedAddress& asked);

} // namespace portguard
