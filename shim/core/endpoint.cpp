#include "core/endpoint.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include <netinet/in.h>
#include <sys/un.h>

namespace portguard {
namespace {

// The kernel accepts an IPv6 address without its scope id (SIN6_LEN_RFC2133, net/ipv6/af_inet6.c).
constexpr socklen_t shortest_ipv6 = offsetof(sockaddr_in6, sin6_scope_id);

bool kernel_would_read(const sockaddr* address, socklen_t length) {
    return length >= sizeof(sa_family_t) && length <= sizeof(sockaddr_storage) && is_plausible(address);
}

template <typename Field>
Field read_field(const sockaddr* address, std::size_t offset) {
    Field field;
    std::memcpy(&field, reinterpret_cast<const char*>(address) + offset, sizeof field);
    return field;
}

void print_ipv4(const std::uint8_t* bytes, TextWriter& out) {
    out.add_number(bytes[0]).add('.').add_number(bytes[1]).add('.');
    out.add_number(bytes[2]).add('.').add_number(bytes[3]);
}

constexpr std::size_t group_count = 8;

std::uint32_t group_at(const std::uint8_t* bytes, std::size_t group) {
    return static_cast<std::uint32_t>(bytes[2 * group]) << 8 | bytes[2 * group + 1];
}

/// How many groups from `first` on are zero.
std::size_t count_zero_groups(const std::uint8_t* bytes, std::size_t first) {
    std::size_t end = first;
    while (end < group_count && group_at(bytes, end) == 0) {
        ++end;
    }
    return end - first;
}

/// RFC 5952. inet_ntop would do, were its sprintf async-signal-safe.
void print_ipv6(const std::uint8_t* bytes, TextWriter& out) {
    std::size_t hole = group_count;
    std::size_t hole_size = 1;
    for (std::size_t group = 0; group < group_count; ++group) {
        const std::size_t zeros = count_zero_groups(bytes, group);
        hole = zeros > hole_size ? group : hole;
        hole_size = zeros > hole_size ? zeros : hole_size;
    }
    std::string_view separator;
    for (std::size_t group = 0; group < group_count;) {
        if (group == hole) {
            out.add("::");
            separator = {};
            group += hole_size;
            continue;
        }
        out.add(separator).add_hex(group_at(bytes, group));
        separator = ":";
        ++group;
    }
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

bool Endpoint::is_link_local() const {
    return family == Family::ipv6 && address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

std::string_view unix_name(const sockaddr* address, socklen_t length) {
    constexpr std::size_t path = offsetof(sockaddr_un, sun_path);
    if (!kernel_would_read(address, length) || length <= path || length > sizeof(sockaddr_un) ||
        read_field<sa_family_t>(address, offsetof(sockaddr, sa_family)) != AF_UNIX) {
        return {};
    }
    const std::string_view name(reinterpret_cast<const char*>(address) + path, length - path);
    return name.front() == '\0' ? name : name.substr(0, std::min(name.find('\0'), name.size()));
}

void print_unix_name(std::string_view name, TextWriter& out) {
    for (const char character : name) {
        if (character == '\0') {
            out.add('@');
        } else {
            out.add_untrusted({&character, 1});
        }
    }
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

std::uint32_t scope_of(const sockaddr* address, socklen_t length) {
    const bool has_scope = length >= sizeof(sockaddr_in6) && read_endpoint(address, length).is_link_local();
    return has_scope ? read_field<std::uint32_t>(address, offsetof(sockaddr_in6, sin6_scope_id)) : 0;
}

void print_address(const Endpoint& endpoint, TextWriter& out) {
    switch (endpoint.family) {
    case Family::ipv4: print_ipv4(endpoint.address.data(), out); break;
    case Family::ipv6: print_ipv6(endpoint.address.data(), out); break;
    case Family::other: break;
    }
}

void print_endpoint(const Endpoint& endpoint, TextWriter& out) {
    const bool ipv6 = endpoint.family == Family::ipv6;
    out.add(ipv6 ? "[" : endpoint.family == Family::other ? "*" : "");
    print_address(endpoint, out);
    out.add(ipv6 ? "]:" : ":").add_number(endpoint.port);
}

} // namespace portguard
