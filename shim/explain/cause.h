// Why a call ended as it did: facts in, one of a closed list out. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "explain/facts.h"

namespace portguard {

enum class Cause : std::uint8_t {
    /// Somebody listens on the very address that was asked for.
    listener_same_program,
    listener_other_program,
    /// A child keeps a listening socket of a process that has ended.
    inherited_listener,
    /// 0.0.0.0 against 10.1.2.3, with one of them in LISTEN (K11).
    wildcard_and_specific,
    /// [::] without V6ONLY against an IPv4 address, or the other way about.
    ipv6_wildcard,
    /// Two bound with SO_REUSEADDR, and the other one listened first (K6).
    second_listen,
    /// Both have SO_REUSEPORT, and the users differ.
    reuseport_other_user,
    /// This process, by another descriptor.
    self,
    /// This process again, and an IPv4 address that its own [::] serves: it listens without IPV6_V6ONLY.
    covered_by_own_listener,
    bound_only,
    /// `portguard hold` keeps the port for a listener that has SO_REUSEADDR.
    reserved_by_hold,
    udp_holder,
    outgoing_connection,
    outgoing_time_wait,
    /// A connection has the port, and it is the port of a client that this process serves: a proxy asks for
    /// the
    /// same one for its own connection.
    port_of_own_client,
    /// TIME_WAIT of an earlier run that accepted connections without SO_REUSEADDR (K3).
    own_time_wait,
    /// A connection that an earlier listener accepted is not over.
    dying_server,
    /// Nobody holds it any more.
    vanished,
    /// What would tell was not visible.
    unknown,
    // For events that have no holder.
    outside_plan,
    ephemeral_range,
    no_port_left,
    no_such_address,
    privileged_port,
    injected,
};

/// "outgoing_connection": the id in JSON.
std::string_view cause_name(Cause cause);
std::optional<Cause> cause_named(std::string_view name);

/// Some causes show that no harm is done: information, whatever level_of(kind) is.
bool is_harmless(Cause cause);
Level level_of(EventKind kind, Cause cause);

struct Explanation {
    Cause cause = Cause::unknown;
    /// The holder it is about; null: none.
    const Holder* holder = nullptr;
    /// One sentence without a full stop; foreign text in it is harmless.
    std::string sentence;
    /// For mode=observe: what enforce would have done; empty elsewhere.
    std::string in_enforce;
};

/// Points into `facts`.
Explanation explain(const Facts& facts);

/// True if the connection was opened from here: its local port was chosen by the kernel. Judged by the
/// ephemeral range, and where both ports lie in it by who listens.
bool is_outgoing(const Facts& facts, const DiagSocket& socket);

} // namespace portguard
