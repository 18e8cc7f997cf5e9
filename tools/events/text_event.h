// The first line of a report for people, read back: what format=text, a terminal's log and syslog have of an
// event.
#pragma once

#include <optional>
#include <string_view>

#include "tools/events/event_record.h"
#include "tools/events/log_time.h"

namespace portguard::tools {

/// "portguard: python3[5861]: bind tcp 127.0.0.1:40000: in use (EADDRINUSE): held by ..." as an event with
/// null for what the line does not say. `instant`: what the log says of the time. Null: it is none.
std::optional<EventRecord> read_text_event(std::string_view line, std::optional<Instant> instant);

/// What every report for people and every sentence of ours begins with.
inline constexpr std::string_view report_prefix = "portguard: ";

} // namespace portguard::tools
