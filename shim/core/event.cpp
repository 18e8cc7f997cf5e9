#include "core/event.h"

#include <algorithm>
#include <array>

#include "core/errno_name.h"

namespace portguard {
namespace {

/// A long plan is cut: the sentence has to fit a line.
void print_plan(const Config& config, TextWriter& out) {
    Text<excerpt_length + 1> plan;
    print_port_set(config.listen, plan);
    out.add("listen=").add_excerpt(plan.view());
}

} // namespace

Level level_of(EventKind kind, Protocol protocol) {
    if (kind == EventKind::refused && protocol == Protocol::udp) {
        return Level::info;
    }
    switch (kind) {
    case EventKind::cured:
    case EventKind::joined: return Level::info;
    case EventKind::ephemeral_listener: return Level::warn;
    default: return Level::error;
    }
}

bool is_told(EventKind kind, Protocol protocol, const Config& config) {
    return level_of(kind, protocol) >= config.level &&
           (config.log.kind != LogKind::none || config.record[0] != '\0');
}

std::string_view event_name(EventKind kind) {
    return event_names[static_cast<std::size_t>(kind)];
}

std::optional<EventKind> event_named(std::string_view name) {
    const auto found = std::find(event_names.begin(), event_names.end(), name);
    return found == event_names.end() ? std::nullopt
                                      : std::optional(static_cast<EventKind>(found - event_names.begin()));
}

std::string_view outcome_of(EventKind kind) {
    constexpr std::array<std::string_view, 10> words{
        "refused",
        "in use",
        "cured",
        "no port left",
        "no such address here",
        "privileged port",
        "inside the ephemeral range",
        "injected",
        "invalid",
        "joined already",
    };
    return words[static_cast<std::size_t>(kind)];
}

void print_event_head(const Event& event, TextWriter& out, std::string_view outcome) {
    out.add("portguard: ").add_untrusted(event.program).add('[');
    out.add_number(static_cast<std::uint64_t>(event.pid)).add("]: ");
    print_event_outcome(event, out, outcome);
}

void print_event_outcome(const Event& event, TextWriter& out, std::string_view outcome) {
    out.add(call_name(event.call)).add(' ').add(protocol_name(event.protocol)).add(' ');
    if (!event.unix_name.empty()) {
        print_unix_name(event.unix_name, out);
    } else if (event.call == Call::setsockopt) {
        print_address(event.asked, out);
    } else {
        print_endpoint(event.asked, out);
    }
    out.add(": ").add(outcome.empty() ? outcome_of(event.kind) : outcome);
    if (event.error != 0) {
        out.add(" (");
        print_errno(event.error, out);
        out.add(')');
    }
}

void print_known_reason(const Event& event, const Config& config, TextWriter& out) {
    if (event.kind == EventKind::refused) {
        out.add("outside ");
        print_plan(config, out);
        out.add(config.mode == Mode::observe ? "; passed, since mode=observe" : "");
        out.add(event.protocol == Protocol::udp ? "; reported for one UDP port per process" : "");
    } else if (event.kind == EventKind::ephemeral_listener) {
        out.add("any outgoing connection may be given this port before the next start");
    } else if (event.kind == EventKind::injected) {
        out.add("inject=");
        print_inject(config.inject, out);
    } else if (event.kind == EventKind::joined) {
        out.add("this socket is a member of that multicast group already; no port is in use");
    }
}

} // namespace portguard
