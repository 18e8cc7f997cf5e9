// Times of logs: what other loggers put before a line, what a person asks for, and how they are shown. What
// names no zone is local time, as everywhere else on the host.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace portguard::tools {

/// Since 1970, UTC.
using Instant = std::chrono::milliseconds;

Instant instant_now();

/// The time that a logger has put at the start of `line`, which is taken off with the blank behind it:
/// "Nov 24 18:22:08" (syslog, journalctl), RFC 3339 (rsyslog, containers), "Tue 2026-11-24 18:22:08 UTC",
/// "1763973728.123456". The first names no year: the last one that does not put it into the future. Null:
/// none is there.
std::optional<Instant> take_stamp(std::string_view& line, Instant now);

/// What --since and --until take: "yesterday", "-1d", "1h", "18:01", "2026-11-24 18:01", with " UTC" where it
/// is meant, or a time as a log of ours has it, which is UTC. Null: nothing of the kind.
std::optional<Instant> parse_moment(std::string_view text, Instant now);

/// "2026-11-24 18:22:08 UTC, yesterday".
std::string describe_moment(Instant instant, Instant now);
/// "2026-11-24 18:22:08 to 19:00:01 UTC, yesterday".
std::string describe_span(Instant first, Instant last, Instant now);

/// RFC 3339, UTC, milliseconds: as an event has it.
std::string text_of_instant(Instant instant);

} // namespace portguard::tools
