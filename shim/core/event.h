// What can be told about a call, and the words for it: the one event schema (JSON field names stand in
// design 3.5).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/call.h"
#include "core/config.h"
#include "core/endpoint.h"
#include "core/text.h"

namespace portguard {

enum class EventKind : std::uint8_t {
    /// The plan refused the call; the kernel was not asked.
    refused,
    /// EADDRINUSE from bind or listen.
    in_use,
    /// bind said EADDRINUSE and went through once SO_REUSEADDR was set.
    cured,
    /// EADDRNOTAVAIL from connect: no local port is left.
    exhausted,
    /// EADDRNOTAVAIL from bind: no interface has the address.
    unavailable,
    /// EACCES from bind: a port below net.ipv4.ip_unprivileged_port_start.
    privileged,
    /// A fixed port inside the range that outgoing connections are given.
    ephemeral_listener,
    /// The option `inject` ordered the failure; the kernel was not asked.
    injected,
    /// EINVAL, ENODEV or EAFNOSUPPORT from bind, EINVAL from listen: of the socket or the address, not of a
    /// port.
    invalid,
    /// EADDRINUSE from setsockopt: the socket is a member of that multicast group already.
    joined,
};

/// How much an event matters: what the option `level` is compared with.
/// A UDP port outside the plan is information: a resolver, which draws its ports by lot, takes another one.
Level level_of(EventKind kind, Protocol protocol);
/// False: below `level`, or there is no log at all.
bool is_told(EventKind kind, Protocol protocol, const Config& config);

/// In the order of EventKind.
inline constexpr std::array<std::string_view, 10> event_names{
    "refused",  "in_use",  "cured",  "exhausted", "unavailable", "privileged", "ephemeral_listener",
    "injected", "invalid", "joined",
};
std::string_view event_name(EventKind kind);
std::optional<EventKind> event_named(std::string_view name);

/// One event as every writer of lines needs it.
struct Event {
    EventKind kind = EventKind::in_use;
    Call call = Call::bind;
    Protocol protocol = Protocol::unknown;
    /// The program's errno as it will see it; 0 for `cured` and `ephemeral_listener`.
    int error = 0;
    int pid = 0;
    std::string_view program;
    Endpoint asked;
    /// Of a unix socket (endpoint.h), which has no endpoint. Not owned.
    std::string_view unix_name{};
};

/// "portguard: nginx[4242]: bind tcp 0.0.0.0:20000: refused (EACCES)": the head of every line, without what
/// follows. `outcome`: in place of outcome_of(), unless it is empty.
void print_event_head(const Event& event, TextWriter& out, std::string_view outcome = {});
/// What follows the program in it: "bind tcp 0.0.0.0:20000: refused (EACCES)".
void print_event_outcome(const Event& event, TextWriter& out, std::string_view outcome = {});

/// "in use", "refused": what the head says of how the call ended.
std::string_view outcome_of(EventKind kind);

/// "portguard: 12" and this: a line in a log, in either format, after writes that failed.
inline constexpr std::string_view lost_events_note = " events before this one could not be written";

/// What can be said without asking anybody: "outside listen=5000-14999". Empty where that is nothing. In
/// observe mode it says what enforce would have done.
void print_known_reason(const Event& event, const Config& config, TextWriter& out);

} // namespace portguard
