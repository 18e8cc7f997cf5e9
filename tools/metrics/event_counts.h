// Events of logs, counted once each.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tools/events/log_entry.h"

namespace portguard::tools {

struct EventCounts {
    /// By cause_name(); what this version does not know is under other_word.
    std::map<std::string, std::uint64_t> by_cause;
    /// Calls that failed, by errno_name().
    std::map<std::string, std::uint64_t> by_errno;
    std::uint64_t unreadable_lines = 0;
    /// Could not be written when they happened.
    std::uint64_t lost = 0;

    friend bool operator==(const EventCounts&, const EventCounts&) = default;
};

inline constexpr std::string_view other_word = "other";

/// All causes, and the errors that matter, at 0: a counter that appears with its first event has no rate.
EventCounts no_events();

void count_event(const EventRecord& event, EventCounts& counts);

/// Lines of one log that come in pieces, as often as it grows.
class LineCounter {
public:
    /// `is_in_long_line`: of the line that begins here, the first part was too long and is counted already.
    LineCounter(EventCounts& counts, bool is_in_long_line);

    void take(std::string_view bytes);
    /// The last line has no end, and will have none.
    void take_rest();

    /// Bytes that need not be read again: up to the end of the last whole line, or of what a long one has so
    /// far.
    [[nodiscard]] std::uint64_t settled() const { return taken_ - line_.size(); }
    [[nodiscard]] bool is_in_long_line() const { return is_in_long_line_; }
    [[nodiscard]] std::uint64_t unreadable() const { return unreadable_; }
    /// Of the first that could not be read.
    [[nodiscard]] const std::string& problem() const { return problem_; }
    /// The last whole line.
    [[nodiscard]] const std::string& last_line() const { return last_line_; }

private:
    void take_line();
    void complain(const std::string& problem);

    EventCounts& counts_;
    EntryReader entries_;
    std::string line_;
    std::string last_line_;
    std::uint64_t taken_ = 0;
    std::uint64_t unreadable_ = 0;
    std::string problem_;
    bool is_in_long_line_;
    bool is_first_ = true;
};

} // namespace portguard::tools
