// What `events` and `ci` say of the events of logs, for each kind of reader. All text of other programs is
// made harmless for that reader.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/common/terminal_width.h"
#include "tools/events/folding.h"

namespace portguard::tools {

struct EventReport {
    std::uint64_t events = 0;
    /// In the order in which they were first seen.
    std::vector<Failure> failures;
    /// What was read, as the user named it.
    std::vector<std::string> files{};
    /// Lines that could not be read, "FILE:LINE: clause".
    std::vector<std::string> unread;

    [[nodiscard]] bool has_errors() const;
};

/// The same with what matters most first, for readers that see no more than a beginning.
EventReport by_importance(EventReport report);

/// For a terminal of `width` columns: one block a failure, each with an empty line behind it.
std::string events_blocks(const EventReport& report, bool coloured, std::size_t width = unlimited_width);
/// The same, then a line that sums up.
std::string events_text(const EventReport& report, bool coloured, std::size_t width = unlimited_width);
/// "2 failures in 12 events, 1 line could not be read".
std::string summary_line(const EventReport& report);

/// One object on one line.
std::string events_json(const EventReport& report);
/// For CI services that read test results: a test case for each failure.
std::string events_junit(const EventReport& report);
/// Workflow commands of GitHub Actions: one annotation a line.
std::string events_github(const EventReport& report);
/// One page without any other file, script or network.
std::string events_html(const EventReport& report);

} // namespace portguard::tools
