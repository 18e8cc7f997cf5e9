// The values that tests of core are made of, and the words in which they are compared: a failed table row
// then reads as what happened.
#pragma once

#include <bit>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>

#include "core/config.h"
#include "core/outgoing.h"
#include "core/policy.h"
#include "core/port_set.h"
#include "core/socket_facts.h"
#include "core/text.h"

namespace portguard::test {

using PortNumbers = std::initializer_list<std::uint16_t>;
using Setting = std::pair<std::string_view, std::string_view>;

/// What a function that writes to a TextWriter writes.
template <typename Write>
std::string written(Write write) {
    Text<65536> text;
    write(text);
    return std::string(text.view());
}

/// The configuration with these options; throws the refusal.
Config configured(std::initializer_list<Setting> settings);

PortSet ports(std::string_view list);
HostPorts host(std::string_view range, std::string_view reserved = "");

/// "10000,10002,...,11998": the 1,000 even ports, each a range of its own.
std::string thousand_ranges();

/// Family, port and address as bind(2) takes them, in a buffer that is longer than any.
struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;

    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};
SocketAddress ipv4(const char* address, std::uint16_t port, sa_family_t family = AF_INET);
SocketAddress ipv6(const char* address, std::uint16_t port);
SocketAddress unix_path(const char* path);
/// What is remembered of a socket of each kind.
namespace facts {
inline constexpr SocketFacts unknown;
inline constexpr SocketFacts other = SocketFacts::of(Protocol::other);
inline constexpr SocketFacts tcp = SocketFacts::of(Protocol::tcp);
inline constexpr SocketFacts mptcp = SocketFacts::of(Protocol::mptcp);
inline constexpr SocketFacts udp = SocketFacts::of(Protocol::udp);
} // namespace facts

/// A pointer that must not be followed.
inline const sockaddr* wild_pointer(std::uintptr_t number) {
    return std::bit_cast<const sockaddr*>(number);
}

/// "refuse", "set_range, give_courtesy", "pass".
std::string what(const Verdict& verdict);
/// "tcp", "unknown program_in_ephemeral", "tcp kernel chose_reuseaddr".
std::string what(SocketFacts facts);
/// "courtesy", "socket_range, range 15000-65000, port zero clamped".
std::string what(const OutgoingPlan& plan);

} // namespace portguard::test
