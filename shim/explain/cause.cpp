#include "explain/cause.h"

#include <algorithm>
#include <array>

#include "explain/sentence.h"

namespace portguard {
namespace {

bool is_owned_by(const Facts& facts, const Holder& holder, pid_t pid) {
    return std::any_of(holder.owners.begin(), holder.owners.end(),
                       [&](const Owner& owner) { return facts.holders.process_of(owner).pid == pid; });
}

bool is_same_program(const Facts& facts, const Holder& holder) {
    return std::any_of(holder.owners.begin(), holder.owners.end(), [&](const Owner& owner) {
        return facts.holders.process_of(owner).comm == facts.self.comm && !facts.self.comm.empty();
    });
}

bool is_left_behind(const Facts& facts, const Holder& holder) {
    return !holder.owners.empty() &&
           std::all_of(holder.owners.begin(), holder.owners.end(),
                       [&](const Owner& owner) { return facts.holders.process_of(owner).left_behind; });
}

Cause cause_of_listener(const Facts& facts, const Holder& holder) {
    const Endpoint& asked = facts.socket.address.endpoint;
    const Endpoint& theirs = holder.socket.local;
    if (facts.event.call == Call::listen) {
        return Cause::second_listen;
    }
    if (facts.socket.reuseport == true && holder.reuseport != false && holder.socket.uid != facts.euid) {
        return Cause::reuseport_other_user;
    }
    if (asked.family != theirs.family) {
        return Cause::ipv6_wildcard;
    }
    if (asked.address != theirs.address) {
        return Cause::wildcard_and_specific;
    }
    if (is_left_behind(facts, holder)) {
        return Cause::inherited_listener;
    }
    return is_same_program(facts, holder) ? Cause::listener_same_program : Cause::listener_other_program;
}

/// Who connects to the IPv4 address that was asked for reaches this process by its own [::], which listens
/// already. What is only bound might never listen.
bool is_covered_by(const Facts& facts, const DiagSocket& own) {
    const AskedAddress& asked = facts.socket.address;
    return facts.event.kind == EventKind::in_use && facts.event.call == Call::bind &&
           asked.endpoint.family == Family::ipv4 && own.local.family == Family::ipv6 &&
           own.local.is_wildcard() && own.v6only == false &&
           (own.device == 0 || own.device == asked.device) &&
           (own.state == SocketState::listen || own.state == SocketState::unconnected);
}

Cause cause_of_holder(const Facts& facts, const Holder& holder) {
    if (facts.serves_client_on_port && yields_to_reuseaddr(holder.socket.state)) {
        return Cause::port_of_own_client;
    }
    if (is_owned_by(facts, holder, facts.event.pid)) {
        return is_covered_by(facts, holder.socket) ? Cause::covered_by_own_listener : Cause::self;
    }
    if (holder.socket.protocol == Protocol::udp) {
        return Cause::udp_holder;
    }
    switch (holder.socket.state) {
    case SocketState::listen: return cause_of_listener(facts, holder);
    case SocketState::bound: return holder.socket.is_hold() ? Cause::reserved_by_hold : Cause::bound_only;
    case SocketState::time_wait:
        return is_outgoing(facts, holder.socket) ? Cause::outgoing_time_wait : Cause::own_time_wait;
    default: return is_outgoing(facts, holder.socket) ? Cause::outgoing_connection : Cause::dying_server;
    }
}

/// find_holders puts those first that no flag helps against. Of these a hold says the least: whoever else is
/// there is the reason.
const Holder* decisive_holder(const Facts& facts) {
    const auto& holders = facts.holders.holders;
    const auto found = std::find_if(holders.begin(), holders.end(),
                                    [](const Holder& holder) { return !holder.socket.is_hold(); });
    if (found != holders.end()) {
        return &*found;
    }
    return holders.empty() ? nullptr : &holders.front();
}

Cause cause_without_holder(const Facts& facts) {
    switch (facts.event.kind) {
    case EventKind::refused: return Cause::outside_plan;
    case EventKind::ephemeral_listener: return Cause::ephemeral_range;
    case EventKind::exhausted: return Cause::no_port_left;
    case EventKind::unavailable: return Cause::no_such_address;
    case EventKind::privileged: return Cause::privileged_port;
    case EventKind::injected: return Cause::injected;
    case EventKind::in_use:
    case EventKind::cured: break;
    }
    return facts.holders_asked && facts.holders.sockets_complete ? Cause::vanished : Cause::unknown;
}

constexpr std::array<std::string_view, 25> cause_names{
    "listener_same_program",
    "listener_other_program",
    "inherited_listener",
    "wildcard_and_specific",
    "ipv6_wildcard",
    "second_listen",
    "reuseport_other_user",
    "self",
    "covered_by_own_listener",
    "bound_only",
    "reserved_by_hold",
    "udp_holder",
    "outgoing_connection",
    "outgoing_time_wait",
    "port_of_own_client",
    "own_time_wait",
    "dying_server",
    "vanished",
    "unknown",
    "outside_plan",
    "ephemeral_range",
    "no_port_left",
    "no_such_address",
    "privileged_port",
    "injected",
};

} // namespace

std::string_view cause_name(Cause cause) {
    return cause_names[static_cast<std::size_t>(cause)];
}

std::optional<Cause> cause_named(std::string_view name) {
    const auto* const found = std::find(cause_names.begin(), cause_names.end(), name);
    return found == cause_names.end() ? std::nullopt
                                      : std::optional(static_cast<Cause>(found - cause_names.begin()));
}

bool is_harmless(Cause cause) {
    return cause == Cause::covered_by_own_listener || cause == Cause::port_of_own_client;
}

Level level_of(EventKind kind, Cause cause) {
    return is_harmless(cause) ? Level::info : level_of(kind);
}

bool is_outgoing(const Facts& facts, const DiagSocket& socket) {
    const PortRange range = facts.host.ports.range;
    if (!range.contains(socket.local.port)) {
        return false;
    }
    return !range.contains(socket.remote.port) || facts.peer_listens;
}

Explanation explain(const Facts& facts) {
    Explanation explanation;
    explanation.holder = facts.holders_asked ? decisive_holder(facts) : nullptr;
    explanation.cause = explanation.holder == nullptr ? cause_without_holder(facts)
                                                      : cause_of_holder(facts, *explanation.holder);
    explanation.sentence = sentence_of(facts, explanation.cause, explanation.holder);
    explanation.in_enforce = enforce_words(facts);
    return explanation;
}

} // namespace portguard
