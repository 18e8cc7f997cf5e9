// What an event is about: a call, on a socket of a protocol.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace portguard {

/// The calls that can be reported.
enum class Call : std::uint8_t { bind, listen, connect, setsockopt };

std::string_view call_name(Call call);
std::optional<Call> call_named(std::string_view name);

enum class Protocol : std::uint8_t { unknown, other, tcp, mptcp, udp, unix_domain };

/// "tcp", "udp", "mptcp", "unix"; "inet" where the protocol is not known.
std::string_view protocol_name(Protocol protocol);
/// "inet" is Protocol::unknown.
std::optional<Protocol> protocol_named(std::string_view name);

} // namespace portguard
