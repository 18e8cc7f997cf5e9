#include "tools/events/log_entry.h"

#include <nlohmann/json.hpp>

#include "core/event_json.h"
#include "core/number.h"
#include "core/text.h"
#include "tools/events/text_event.h"

namespace portguard::tools {
namespace {

using nlohmann::json;

constexpr std::string_view json_start = R"({"schema":)";

bool is_ours(std::string_view message) {
    return message.starts_with(report_prefix) || message.starts_with(json_start);
}

/// "3 events before this one could not be written".
std::optional<std::uint64_t> lost_in(std::string_view message) {
    if (!message.starts_with(report_prefix) || !message.ends_with(lost_events_note)) {
        return std::nullopt;
    }
    message.remove_prefix(report_prefix.size());
    message.remove_suffix(lost_events_note.size());
    return parse_number<std::uint64_t>(message);
}

/// What follows the sender's name: of "host portguard[4711]: text", of "stderr F text" (containers).
std::string_view without_sender(std::string_view line) {
    for (const std::string_view stream : {"stderr F ", "stdout F "}) {
        if (line.starts_with(stream)) {
            return line.substr(stream.size());
        }
    }
    std::string_view rest = line;
    // A tag has no blanks: what looks like one farther on is text.
    for (int words = 0; words < 2 && !is_ours(rest); ++words) {
        const std::string_view word = next_field(rest, ' ');
        if (word.ends_with(':')) {
            return rest;
        }
    }
    return is_ours(rest) ? rest : line;
}

/// journalctl prints bytes that are not UTF-8 as a list of numbers.
std::string text_of(const json& value) {
    if (value.is_string()) {
        return value.get<std::string>();
    }
    std::string text;
    for (const json& byte : value.is_array() ? value : json::array()) {
        text.push_back(byte.is_number_unsigned() ? static_cast<char>(byte.get<unsigned>()) : '?');
    }
    return text;
}

std::string member(const json& object, std::string_view name) {
    const auto found = object.find(name);
    return found == object.end() ? std::string() : text_of(*found);
}

std::optional<Instant> journal_time(const json& entry) {
    const auto count = parse_number<std::int64_t>(member(entry, "__REALTIME_TIMESTAMP"));
    return count.has_value()
               ? std::optional(std::chrono::duration_cast<Instant>(std::chrono::microseconds(*count)))
               : std::nullopt;
}

} // namespace

LogEntry EntryReader::read_message(std::string_view message, std::optional<Instant> instant, bool is_shared) {
    LogEntry entry;
    const bool was_in_report = is_in_report_;
    is_in_report_ = false;
    if (message.starts_with('{')) {
        ParsedEvent parsed = parse_event(message);
        entry.kind = parsed.event.has_value()         ? EntryKind::event
                     : is_shared && !is_ours(message) ? EntryKind::foreign
                                                      : EntryKind::unreadable;
        entry.event = std::move(parsed.event);
        entry.problem = std::move(parsed.problem);
    } else if (const auto lost = lost_in(message)) {
        entry.kind = EntryKind::lost;
        entry.lost = *lost;
    } else if (message.starts_with(report_prefix)) {
        entry.event = read_text_event(message, instant);
        is_in_report_ = entry.event.has_value();
        entry.kind = is_in_report_ ? EntryKind::event : EntryKind::note;
    } else if (was_in_report && message.starts_with("  ")) {
        is_in_report_ = true;
        entry.kind = EntryKind::note;
    } else {
        entry.kind = is_shared ? EntryKind::foreign : EntryKind::unreadable;
        entry.problem = "it is not an event";
    }
    return entry;
}

/// journalctl -o json, and what a container's log driver writes. Null: neither.
std::optional<LogEntry> EntryReader::read_wrapped(std::string_view line) {
    const bool is_journal = line.find("\"__REALTIME_TIMESTAMP\"") != std::string_view::npos;
    if (!is_journal && line.find("\"log\"") == std::string_view::npos) {
        return std::nullopt;
    }
    const json entry = json::parse(line, nullptr, false);
    if (!entry.is_object()) {
        return std::nullopt;
    }
    if (is_journal) {
        return read_journal(member(entry, "MESSAGE"), member(entry, journal_event_field),
                            journal_time(entry));
    }
    const std::string time = member(entry, "time") + " ";
    std::string_view stamp = time;
    const std::string message = member(entry, "log");
    return read_message(message.substr(0, message.find('\n')), take_stamp(stamp, now_), true);
}

/// A report is one entry of several lines; before the first may stand how many were lost.
LogEntry EntryReader::read_journal(std::string_view message, std::string_view whole,
                                   std::optional<Instant> instant) {
    std::string_view rest = message;
    std::string_view first = next_field(rest, '\n');
    const std::uint64_t lost = lost_in(first).value_or(0);
    if (lost > 0 && !rest.empty()) {
        first = next_field(rest, '\n');
    }
    LogEntry entry = read_message(whole.empty() ? first : whole, instant, true);
    entry.lost += entry.kind == EntryKind::lost ? 0 : lost;
    return entry;
}

LogEntry EntryReader::read(std::string_view line) {
    if (line.starts_with('{')) {
        auto wrapped = line.starts_with(json_start) ? std::nullopt : read_wrapped(line);
        return wrapped.has_value() ? std::move(*wrapped) : read_message(line, std::nullopt, false);
    }
    if (is_ours(line) || (is_in_report_ && line.starts_with("  "))) {
        return read_message(line, std::nullopt, false);
    }
    std::string_view rest = line;
    const auto instant = take_stamp(rest, now_);
    if (instant.has_value()) {
        return read_message(is_ours(rest) ? rest : without_sender(rest), instant, true);
    }
    // Other loggers' prefixes, such as "web-1  | ".
    for (const std::string_view start : {report_prefix, json_start}) {
        const std::size_t place = line.find(start);
        if (place != std::string_view::npos) {
            LogEntry entry = read_message(line.substr(place), std::nullopt, false);
            if (entry.kind == EntryKind::event) {
                return entry;
            }
        }
    }
    return read_message(line, std::nullopt, false);
}

} // namespace portguard::tools
