// An event as a line of format=json (examples/events/schema.json): what both writers share, and the one that
// needs no look-up. It serves where portguard-explain cannot be executed or is not wanted, with null for what
// nobody has looked up. Async-signal-safe.
#pragma once

#include <array>
#include <ctime>
#include <string_view>

#include "core/event.h"
#include "core/text.h"

namespace portguard {

/// The field of a journal entry that has an event as JSON, beside the text for people in MESSAGE.
inline constexpr std::string_view journal_event_field = "PORTGUARD_EVENT";

/// Of examples/events/schema.json: what every writer says and a reader asks for.
inline constexpr int event_schema_version = 1;

/// `error` is "errno", which is a macro.
enum class EventField : std::uint8_t {
    schema,
    time,
    event,
    call,
    error,
    family,
    protocol,
    address,
    port,
    socket,
    process,
    stack,
    script,
    holders,
    picked,
    ports,
    cause,
    sentence,
    evidence,
    cures,
    count,
    missing,
};

/// The name in place, not by a pointer: those are relocated in every exec.
struct NamedEventField {
    EventField field;
    char name[11];
};

/// In the order in which both writers go through them.
inline constexpr NamedEventField event_fields[] = {
    NamedEventField{EventField::schema, "schema"},     NamedEventField{EventField::time, "time"},
    NamedEventField{EventField::event, "event"},       NamedEventField{EventField::call, "call"},
    NamedEventField{EventField::error, "errno"},       NamedEventField{EventField::family, "family"},
    NamedEventField{EventField::protocol, "protocol"}, NamedEventField{EventField::address, "address"},
    NamedEventField{EventField::port, "port"},         NamedEventField{EventField::socket, "socket"},
    NamedEventField{EventField::process, "process"},   NamedEventField{EventField::stack, "stack"},
    NamedEventField{EventField::script, "script"},     NamedEventField{EventField::holders, "holders"},
    NamedEventField{EventField::picked, "picked"},     NamedEventField{EventField::ports, "ports"},
    NamedEventField{EventField::cause, "cause"},       NamedEventField{EventField::sentence, "sentence"},
    NamedEventField{EventField::evidence, "evidence"}, NamedEventField{EventField::cures, "cures"},
    NamedEventField{EventField::count, "count"},       NamedEventField{EventField::missing, "missing"},
};

/// RFC 3339, UTC, milliseconds; without gmtime_r(3), which takes a lock.
void print_time(const timespec& at, TextWriter& out);

/// "ipv4", "ipv6"; empty where there is no address.
std::string_view family_name(Family family);

/// What the process knows beside the event. The texts are not owned.
struct PlainFacts {
    /// CLOCK_REALTIME.
    timespec now{};
    int fd = -1;
    /// The program's file; empty, or with bytes that would not be shown as they are: null.
    std::string_view exe{};
    /// As print_known_reason() has it; empty: nothing is known.
    std::string_view reason{};
    /// What is missing and why; empty: nothing is said of it.
    std::string_view missing{};
};

/// Of each text as much as `longest_plain_text` and "...", so that the line is whole in
/// `plain_event_capacity`.
inline constexpr std::size_t longest_plain_text = 512;
inline constexpr std::size_t plain_event_capacity = 4096;

/// Without a newline.
void print_event_json(const Event& event, const PlainFacts& facts, TextWriter& out);

} // namespace portguard
