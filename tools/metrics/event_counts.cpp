#include "tools/metrics/event_counts.h"

#include <array>
#include <cerrno>

#include "core/errno_name.h"
#include "core/text.h"
#include "explain/cause.h"
#include "tools/events/event_log.h"

namespace portguard::tools {
namespace {

/// What bind, listen and connect fail with where ports are the reason.
constexpr std::array errors{EADDRINUSE, EADDRNOTAVAIL, EACCES};

} // namespace

EventCounts no_events() {
    EventCounts counts;
    for (const std::string_view cause : {
#define CAUSE(name, subject, meaning) std::string_view(#name),
#include "explain/causes.def"
#undef CAUSE
             other_word}) {
        counts.by_cause.emplace(cause, 0);
    }
    for (const int error : errors) {
        counts.by_errno.emplace(errno_name(error), 0);
    }
    counts.by_errno.emplace(other_word, 0);
    return counts;
}

void count_event(const EventRecord& event, EventCounts& counts) {
    const bool is_known = cause_named(event.cause).has_value();
    counts.by_cause[is_known ? event.cause : std::string(other_word)] += event.count;
    if (event.error.has_value()) {
        const auto known = counts.by_errno.find(std::string(errno_name(*event.error)));
        (known == counts.by_errno.end() ? counts.by_errno[std::string(other_word)] : known->second) +=
            event.count;
    }
}

LineCounter::LineCounter(EventCounts& counts, bool is_in_long_line)
    : counts_(counts), entries_(instant_now()), is_in_long_line_(is_in_long_line) {}

void LineCounter::take(std::string_view bytes) {
    taken_ += bytes.size();
    while (!bytes.empty()) {
        const std::size_t newline = bytes.find('\n');
        const std::string_view part = bytes.substr(0, newline);
        if (!is_in_long_line_ && line_.size() + part.size() > longest_line) {
            is_in_long_line_ = true;
            complain("a line is longer than " + std::to_string(longest_line) + " bytes");
            line_.clear();
        }
        line_.append(is_in_long_line_ ? std::string_view() : part);
        if (newline == std::string_view::npos) {
            return;
        }
        take_rest();
        bytes.remove_prefix(newline + 1);
    }
}

void LineCounter::take_rest() {
    if (!is_in_long_line_ && !trimmed(line_).empty()) {
        take_line();
    }
    is_first_ = false;
    is_in_long_line_ = false;
    line_.clear();
}

void LineCounter::take_line() {
    // Of a report for people that was read in two parts.
    if (is_first_ && line_.starts_with("  ")) {
        return;
    }
    const LogEntry entry = entries_.read(line_);
    counts_.lost += entry.lost;
    if (entry.kind == EntryKind::event) {
        count_event(*entry.event, counts_);
    } else if (entry.kind == EntryKind::unreadable) {
        complain(entry.problem);
    }
    last_line_ = line_;
}

void LineCounter::complain(const std::string& problem) {
    ++counts_.unreadable_lines;
    if (unreadable_++ == 0) {
        problem_ = problem;
    }
}

} // namespace portguard::tools
