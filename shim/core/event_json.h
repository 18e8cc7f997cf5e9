// An event as a line of format=json, where portguard-explain cannot be executed or is not wanted: the same
// schema (examples/events/schema.json), with null for what nobody has looked up. Async-signal-safe.
#pragma once

#include <ctime>
#include <string_view>

#include "core/event.h"
#include "core/text.h"

namespace portguard {

/// Of examples/events/schema.json: what every writer says and a reader asks for.
inline constexpr int event_schema_version = 1;

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
