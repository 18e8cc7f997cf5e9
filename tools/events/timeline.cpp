#include "tools/events/timeline.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "core/civil_date.h"
#include "tools/common/markup.h"
#include "tools/common/port_text.h"
#include "tools/events/event_words.h"

namespace portguard::tools {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr int width = 1000;
constexpr int label_width = 130;
constexpr int right_margin = 30;
constexpr int row_height = 34;
constexpr int axis_height = 30;
constexpr std::size_t most_rows = 40;
/// Marks closer than this are one.
constexpr int bucket = 8;

struct Span {
    milliseconds first;
    milliseconds last;

    [[nodiscard]] double at(milliseconds instant) const {
        const auto part = static_cast<double>((instant - first).count());
        const auto whole = static_cast<double>((last - first).count());
        return label_width + part / whole * (width - label_width - right_margin);
    }
};

struct Mark {
    std::uint64_t times = 0;
    double x = 0;
    std::string time;
    std::size_t failure = 0;
};

struct Row {
    std::string label;
    std::uint16_t port = 0;
    /// By failure and place, so that many events do not make a picture of megabytes.
    std::map<std::pair<std::size_t, int>, Mark> marks;
};

Span span_of(const std::vector<Failure>& failures) {
    Span span{milliseconds::max(), milliseconds::min()};
    for (const Failure& failure : failures) {
        for (const FoldedEvent& occurrence : failure.occurrences) {
            if (occurrence.time.empty()) {
                continue;
            }
            span.first = std::min(span.first, occurrence.instant);
            span.last = std::max(span.last, occurrence.instant);
        }
    }
    const milliseconds margin = std::max<milliseconds>(500ms, (span.last - span.first) / 20);
    return {span.first - margin, span.last + margin};
}

std::vector<Row> rows_of(const std::vector<Failure>& failures, const Span& span) {
    std::map<std::string, Row> rows;
    for (std::size_t index = 0; index < failures.size(); ++index) {
        const EventRecord& event = failures[index].first.record;
        const std::string label =
            std::string(protocol_name(event.protocol)) + " " +
            (event.unix_name.empty() ? std::to_string(event.asked.port) : event.unix_name);
        Row& row = rows[label];
        row.label = label;
        row.port = event.asked.port;
        for (const FoldedEvent& occurrence : failures[index].occurrences) {
            if (occurrence.time.empty()) {
                continue;
            }
            const double x = span.at(occurrence.instant);
            Mark& mark = row.marks[{index, static_cast<int>(x) / bucket}];
            mark = {mark.times + occurrence.count, mark.times == 0 ? x : mark.x,
                    mark.times == 0 ? occurrence.time : mark.time, index};
        }
    }
    std::vector<Row> sorted;
    sorted.reserve(rows.size());
    for (auto& [label, row] : rows) {
        sorted.push_back(std::move(row));
    }
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const Row& left, const Row& right) { return left.port < right.port; });
    return sorted;
}

/// At most about eight, at round times.
milliseconds tick_step(const Span& span) {
    constexpr std::array<milliseconds, 22> steps{1ms,   2ms,   5ms,   10ms, 20ms, 50ms, 100ms, 200ms,
                                                 500ms, 1s,    2s,    5s,   10s,  30s,  1min,  2min,
                                                 5min,  10min, 30min, 1h,   6h,   24h};
    for (const milliseconds step : steps) {
        if ((span.last - span.first) / step <= 8) {
            return step;
        }
    }
    return ((span.last - span.first) / (8 * 24h) + 1) * 24h;
}

/// "18:01:24", with what the step needs more.
std::string tick_text(milliseconds instant, milliseconds step) {
    const auto day = std::chrono::floor<std::chrono::days>(instant);
    const auto two = [](auto count) { return std::to_string(100 + count).substr(1); };
    const auto of_day = (instant - day) / 1ms;
    std::string text = two(of_day / 3'600'000) + ":" + two(of_day / 60'000 % 60);
    text += ":" + two(of_day / 1000 % 60);
    if (step < 1s) {
        text += "." + std::to_string(1000 + of_day % 1000).substr(1);
    }
    if (step >= 24h) {
        const CivilDate date = date_of_day(day.count());
        return two(date.month) + "-" + two(date.day);
    }
    return text;
}

std::string number(double value) {
    return std::to_string(std::lround(value));
}

std::string text_element(double x, double y, const char* kind, const std::string& text) {
    return "<text class=\"" + std::string(kind) + "\" x=\"" + number(x) + "\" y=\"" + number(y) + "\">" +
           escaped_markup(text) + "</text>\n";
}

std::string line_element(double x1, double y1, double x2, double y2) {
    return "<line x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) + "\" y2=\"" +
           number(y2) + "\"/>\n";
}

std::string axis(const Span& span, double bottom) {
    std::string text;
    const milliseconds step = tick_step(span);
    milliseconds tick = (span.first / step + 1) * step;
    for (; tick <= span.last; tick += step) {
        text += line_element(span.at(tick), axis_height - 6, span.at(tick), bottom);
        text += text_element(span.at(tick), axis_height - 12, "tick", tick_text(tick, step));
    }
    return text;
}

std::string mark_element(const Mark& mark, const Failure& failure, double y, bool is_linked) {
    const double radius = std::min(6 + 1.5 * std::log2(static_cast<double>(mark.times)), 13.0);
    const std::string title = mark.time + "  " + outcome_of(failure.first.record) +
                              (mark.times > 1 ? ", " + std::to_string(mark.times) + " times" : "");
    const std::string link = is_linked ? " href=\"#f" + std::to_string(mark.failure + 1) + "\"" : "";
    std::string text = "<a" + link + " aria-label=\"" + escaped_markup(title) + "\"><circle class=\"" +
                       std::string(event_name(failure.first.record.kind)) + "\" cx=\"" + number(mark.x) +
                       "\" cy=\"" + number(y) + "\" r=\"" + number(radius) + "\"><title>" +
                       escaped_markup(title) + "</title></circle>";
    if (mark.times > 1) {
        text += text_element(mark.x, y + 4, "times",
                             mark.times < 100 ? std::to_string(mark.times) : std::string("99+"));
    }
    return text + "</a>\n";
}

} // namespace

std::string timeline_svg(const std::vector<Failure>& failures, std::size_t linked) {
    if (std::none_of(failures.begin(), failures.end(),
                     [](const Failure& failure) { return time_span(failure).has_value(); })) {
        return {};
    }
    const Span span = span_of(failures);
    std::vector<Row> rows = rows_of(failures, span);
    const std::size_t left_out = rows.size() > most_rows ? rows.size() - most_rows : 0;
    rows.resize(rows.size() - left_out);
    const double bottom = axis_height + row_height * static_cast<double>(rows.size());
    const double height = bottom + (left_out > 0 ? row_height : 0);
    std::string text = "<svg viewBox=\"0 0 " + std::to_string(width) + " " + number(height) +
                       "\" role=\"img\" aria-label=\"events by port and time\">\n" + axis(span, bottom);
    double y = axis_height + row_height / 2.0;
    for (const Row& row : rows) {
        text += text_element(0, y + 5, "port", row.label);
        text += line_element(label_width, y, width - right_margin, y);
        for (const auto& [place, mark] : row.marks) {
            text += mark_element(mark, failures[mark.failure], y, mark.failure < linked);
        }
        y += row_height;
    }
    if (left_out > 0) {
        text += text_element(0, y + 5, "port", counted(left_out, "more port"));
    }
    return text + "</svg>\n";
}

} // namespace portguard::tools
