// Phrases that sentences and lines are made of.
#pragma once

#include <string>
#include <string_view>

#include "explain/cause_rule.h"

namespace portguard {

/// "43 s"; "an unknown time" where the kernel does not tell.
std::string seconds_left(const DiagSocket& socket);

/// "15000-65000".
std::string range_text(PortRange range);

/// How a connection may have come by its port, by the settings of now.
enum class PortOrigin : std::uint8_t { kernel, program, program_or_before_reserved, program_or_other_range };
PortOrigin origin_of(const HostPorts& host, std::uint16_t port);
/// ", which lies inside ip_local_port_range (32768-60999)"; for `several` ports of one origin: ", which lie".
std::string origin_words(const HostPorts& host, std::uint16_t port, bool several = false);

/// "0.0.0.0:80".
std::string address_words(const Endpoint& endpoint);

/// "nginx[12]"; "this process (fd 3)"; "a process of uid 33".
std::string who_has(const Case& c);
/// The same before a verb at the beginning of a clause, with the address: "nginx[12] listens on 0.0.0.0:80".
std::string who_listens(const Case& c);

/// The path of the unix socket that was asked for, for whoever pastes it, in whichever folder.
std::string absolute_unix_path(const Case& c);
/// The same for a shell; empty: an abstract name, or no text that could be pasted.
std::string pasted_unix_path(const Case& c);

/// ", and its socket has no SO_REUSEADDR": what is missing for sharing, as far as it was read.
std::string flag_words(const Case& c);

/// Of a holder whose SO_REUSEPORT could not be read, where this socket has it: what the kernel's refusal
/// proves of it, and what stays unknown.
std::string unread_reuseport_words(const Case& c);

/// "a, b and c".
std::string listed(const std::vector<std::string>& words);

} // namespace portguard
