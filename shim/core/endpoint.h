// What a sockaddr says, read without trusting it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <netinet/in.h>
#include <sys/socket.h>

#include "core/text.h"

namespace portguard {

enum class Family : std::uint8_t { other, ipv4, ipv6 };

/// Family and port alone: all that the decision about a call needs. `port` is in host byte order; 0 asks the
/// kernel to choose. Family::other: not an internet address, or one that the kernel itself will refuse
/// (null, too short for its family: EINVAL; longer than sockaddr_storage: EINVAL).
struct Target {
    Family family = Family::other;
    /// AF_UNSPEC with INADDR_ANY, which bind(2) takes as AF_INET (net/ipv4/af_inet.c, __inet_bind).
    bool unspecified_family = false;
    std::uint16_t port = 0;
};

/// Pointers in the first page or outside the user half can only be a test of EFAULT, which the kernel answers
/// better than a crash of ours.
inline bool is_plausible(const void* pointer) {
    const std::uint64_t number = reinterpret_cast<std::uintptr_t>(pointer);
    // Of 32 bits a 64-bit kernel gives a program all but the last page.
    return number >= 4096 && (sizeof pointer == 8 ? (number >> 47) == 0 : number < 0xfffff000);
}

/// `length` is what the caller passed to bind(2) or connect(2). Reads at most the fields it names.
Target read_target(const sockaddr* address, socklen_t length);

/// True for connect(2)'s "dissolve the association": AF_UNSPEC.
bool is_disconnect(const sockaddr* address, socklen_t length);

/// An address with its port. IPv4 stands in the first four bytes of `address`, network byte order.
/// A v4-mapped IPv6 address (::ffff:a.b.c.d) is folded to IPv4, as the kernel's conflict check does.
struct Endpoint {
    Family family = Family::other;
    bool v4_mapped = false;
    std::uint16_t port = 0;
    std::array<std::uint8_t, 16> address{};

    [[nodiscard]] bool is_wildcard() const;
    [[nodiscard]] bool is_loopback() const;
    [[nodiscard]] bool is_link_local() const;
};

/// Family::other where read_target says so.
Endpoint read_endpoint(const sockaddr* address, socklen_t length);

/// The interface that a bind(2) to a link-local address means (inet6_bind, net/ipv6/af_inet6.c); 0: it means
/// none.
std::uint32_t scope_of(const sockaddr* address, socklen_t length);

/// The path, or the abstract name with its leading NUL, that bind(2) took of an address of AF_UNIX; empty: it
/// is another address. The kernel has read it before. A view into `address`.
std::string_view unix_name(const sockaddr* address, socklen_t length);

/// As ss(8) shows it: NULs, of which an abstract name has one in front, as '@'.
void print_unix_name(std::string_view name, TextWriter& out);

/// "10.1.2.3", "::1"; nothing where there is no address.
void print_address(const Endpoint& endpoint, TextWriter& out);

/// "10.1.2.3:80", "[::1]:80"; a port alone where there is no address ("*:80").
void print_endpoint(const Endpoint& endpoint, TextWriter& out);

} // namespace portguard
