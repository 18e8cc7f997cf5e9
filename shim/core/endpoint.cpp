#include "core/endpoint.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace portguard {
namespace {

// The kernel accepts an IPv6 address without its scope id (SIN6_LEN_RFC2133, net/ipv6/af_inet6.c).
constexpr socklen_t shortest_ipv6 = offsetof(sockaddr_in6, sin6_scope_id);

// Pointers in the first page or outside the user half can only be a test of EFAULT; the kernel answers it
// better.
bool is_plausible(const void* pointer) {
    const auto number = reinterpret_cast<std::uintptr_t>(pointer);
    return number >= 4096 && (number >> 47) == 0;
}

bool kernel_would_read(const sockaddr* address, socklen_t length) {
    return length >= sizeof(sa_family_t) && length <= sizeof(sockaddr_storage) && is_plausible(address);
}

template <typename Field>
Field read_field(const sockaddr* address, std::size_t offset) {
    Field field;
    std::memcpy(&field, reinterpret_cast<const char*>(address) + offset, sizeof field);
    return field;
}

} // namespace

Target read_target(const sockaddr* address, socklen_t length) {
    if (!kernel_would_read(address, length)) {
        return {};
    }
    const auto family = read_field<sa_family_t>(address, offsetof(sockaddr, sa_family));
    if (family == AF_INET6 && length >= shortest_ipv6) {
        return {Family::ipv6, false,
                ntohs(read_field<in_port_t>(address, offsetof(sockaddr_in6, sin6_port)))};
    }
    if ((family != AF_INET && family != AF_UNSPEC) || length < sizeof(sockaddr_in)) {
        return {};
    }
    if (family == AF_UNSPEC &&
        read_field<in_addr_t>(address, offsetof(sockaddr_in, sin_addr)) != htonl(INADDR_ANY)) {
        return {};
    }
    return {Family::ipv4, family == AF_UNSPEC,
            ntohs(read_field<in_port_t>(address, offsetof(sockaddr_in, sin_port)))};
}

bool is_disconnect(const sockaddr* address, socklen_t length) {
    return kernel_would_read(address, length) &&
           read_field<sa_family_t>(address, offsetof(sockaddr, sa_family)) == AF_UNSPEC;
}

bool Endpoint::is_wildcard() const {
    return std::all_of(address.begin(), address.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool Endpoint::is_loopback() const {
    if (family == Family::ipv4) {
        return address[0] == 127;
    }
    const bool zeros =
        std::all_of(address.begin(), address.end() - 1, [](std::uint8_t byte) { return byte == 0; });
    return family == Family::ipv6 && zeros && address[15] == 1;
}

Endpoint read_endpoint(const sockaddr* address, socklen_t length) {
    const Target target = read_target(address, length);
    Endpoint endpoint{target.family, false, target.port, {}};
    if (target.family == Family::ipv4) {
        std::memcpy(endpoint.address.data(),
                    reinterpret_cast<const char*>(address) + offsetof(sockaddr_in, sin_addr), 4);
    } else if (target.family == Family::ipv6) {
        const auto bytes = read_field<in6_addr>(address, offsetof(sockaddr_in6, sin6_addr));
        if (IN6_IS_ADDR_V4MAPPED(&bytes)) {
            endpoint.family = Family::ipv4;
            endpoint.v4_mapped = true;
            std::memcpy(endpoint.address.data(), &bytes.s6_addr[12], 4);
        } else {
            std::memcpy(endpoint.address.data(), &bytes, sizeof bytes);
        }
    }
    return endpoint;
}

void print_endpoint(const Endpoint& endpoint, TextWriter& out) {
    char text[INET6_ADDRSTRLEN] = "";
    const bool ipv6 = endpoint.family == Family::ipv6;
    if (endpoint.family == Family::other ||
        inet_ntop(ipv6 ? AF_INET6 : AF_INET, endpoint.address.data(), text, sizeof text) == nullptr) {
        out.add("*");
    } else if (ipv6) {
        out.add('[').add(text).add(']');
    } else {
        out.add(text);
    }
    out.add(':').add_number(endpoint.port);
}

} // namespace portguard
