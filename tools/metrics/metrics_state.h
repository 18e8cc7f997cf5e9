// What one look leaves for the next: counts, where each log was left, and how the ports were used.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/events/log_time.h"
#include "tools/metrics/ephemeral_use.h"
#include "tools/metrics/event_counts.h"
#include "tools/metrics/record_position.h"

namespace portguard::tools {

struct JournalPosition {
    /// Of journalctl; empty: no entry has been read yet.
    std::string cursor;
    /// What is older counts nowhere.
    Instant since{0};

    friend bool operator==(const JournalPosition&, const JournalPosition&) = default;
};

struct MetricsState {
    EventCounts counts = no_events();
    std::vector<RecordPosition> records = {};
    JournalPosition journal = {};
    std::optional<UseSample> use = {};

    /// New ones begin at the start of the file.
    RecordPosition& record(const std::string& file);
};

std::string state_text(const MetricsState& state);

struct ParsedState {
    std::optional<MetricsState> state = {};
    /// Where there is none: why, a clause without control characters.
    std::string problem = {};
};

/// Takes bytes from anywhere.
ParsedState parse_state(std::string_view text);

/// The state in `path`. A file that is not there is an empty state; one that cannot be read, too, with a
/// sentence more in `complaints`.
MetricsState read_state(const std::string& path, std::vector<std::string>& complaints);
void write_state(const std::string& path, const MetricsState& state, std::vector<std::string>& complaints);

} // namespace portguard::tools
