// One line of a log as what it says of us: loggers put a time, a host and a tag before it, or wrap it in JSON
// of their own.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tools/events/event_record.h"
#include "tools/events/log_time.h"

namespace portguard::tools {

enum class EntryKind {
    event,
    /// A sentence of ours, or a later line of a report.
    note,
    /// Another program's, in a log of many.
    foreign,
    /// Writes that failed, as the guard counts them.
    lost,
    unreadable,
};

struct LogEntry {
    EntryKind kind = EntryKind::unreadable;
    std::optional<EventRecord> event;
    /// Of `lost`, and of an entry of the journal that says so too.
    std::uint64_t lost = 0;
    /// Of `unreadable`: why, a clause without control characters.
    std::string problem;
};

/// Reads the lines of one log in their order. Takes bytes from anywhere.
class EntryReader {
public:
    explicit EntryReader(Instant now) : now_(now) {}

    LogEntry read(std::string_view line);

private:
    LogEntry read_message(std::string_view message, std::optional<Instant> instant, bool is_shared);
    std::optional<LogEntry> read_wrapped(std::string_view line);
    LogEntry read_journal(std::string_view message, std::string_view whole, std::optional<Instant> instant);

    Instant now_;
    /// The last line that was ours was a report's first one.
    bool is_in_report_ = false;
};

} // namespace portguard::tools
