#include "tools/events/log_time.h"

#include <array>

#include "core/event_json.h"
#include "core/text.h"
#include "tools/common/duration.h"
#include "tools/events/wall_clock.h"

namespace portguard::tools {
namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 12> month_names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> day_names{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

/// "Nov 24 18:22:08", "Nov  4 18:22:08".
std::optional<Instant> take_syslog_stamp(Scanner& scanner, Instant now) {
    Scanner ahead = scanner;
    const auto month = ahead.index_of(month_names);
    if (!month.has_value() || !ahead.take(" ")) {
        return std::nullopt;
    }
    const auto day = ahead.take(" ") ? ahead.digits(1) : ahead.digits(2);
    WallClock wall;
    if (!day.has_value() || !ahead.take(" ") || !take_clock(ahead, wall)) {
        return std::nullopt;
    }
    scanner = ahead;
    const int this_year = date_of(local_time(now)).year;
    for (const int candidate : {this_year, this_year - 1}) {
        wall.date = {candidate, static_cast<unsigned>(*month + 1), static_cast<unsigned>(*day)};
        const auto instant = instant_of(wall);
        if (instant.has_value() && *instant < now + days(1)) {
            return instant;
        }
    }
    return std::nullopt;
}

std::optional<Instant> take_iso_stamp(Scanner& scanner) {
    Scanner ahead = scanner;
    WallClock wall;
    if (ahead.index_of(day_names).has_value() && !ahead.take(" ")) {
        return std::nullopt;
    }
    if (!take_date(ahead, wall) || !(ahead.take("T") || ahead.take(" ")) || !take_clock(ahead, wall)) {
        return std::nullopt;
    }
    take_zone(ahead, wall);
    scanner = ahead;
    return instant_of(wall);
}

/// "1763973728.123456", as journalctl -o short-unix has it.
std::optional<Instant> take_epoch(Scanner& scanner) {
    Scanner ahead = scanner;
    const auto count = ahead.digits(10);
    if (!count.has_value() || !ahead.take(".")) {
        return std::nullopt;
    }
    const Instant instant = seconds(*count) + milliseconds(ahead.fraction());
    scanner = ahead;
    return instant;
}

Instant start_of_day(Instant now, int days_back) {
    std::tm time = local_time(now);
    time.tm_mday -= days_back;
    time.tm_hour = time.tm_min = time.tm_sec = 0;
    time.tm_isdst = -1;
    return seconds(std::mktime(&time));
}

std::optional<Instant> parse_ago(std::string_view text, Instant now) {
    constexpr std::string_view ago = " ago";
    text.remove_prefix(text.starts_with('-') ? 1 : 0);
    text.remove_suffix(text.ends_with(ago) ? ago.size() : 0);
    // Without a unit it could be a year.
    const bool has_unit = !text.empty() && text.back() >= 'a' && text.back() <= 'z';
    const auto length = has_unit ? parse_duration(text) : std::nullopt;
    return length.has_value() ? std::optional(now - *length) : std::nullopt;
}

std::string two(int number) {
    return std::to_string(100 + number).substr(1);
}

std::string date_text(const std::tm& time) {
    return std::to_string(time.tm_year + 1900) + "-" + two(time.tm_mon + 1) + "-" + two(time.tm_mday);
}

std::string clock_text(const std::tm& time) {
    return two(time.tm_hour) + ":" + two(time.tm_min) + ":" + two(time.tm_sec);
}

/// ", yesterday"; nothing for what is yet to come.
std::string day_text(const std::tm& time, Instant now) {
    const auto back = days_since_epoch(date_of(local_time(now))) - days_since_epoch(date_of(time));
    if (back < 0) {
        return {};
    }
    return back == 0 ? ", today" : back == 1 ? ", yesterday" : ", " + std::to_string(back) + " days ago";
}

} // namespace

Instant instant_now() {
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch());
}

std::optional<Instant> take_stamp(std::string_view& line, Instant now) {
    Scanner scanner(line);
    auto instant = take_syslog_stamp(scanner, now);
    instant = instant.has_value() ? instant : take_iso_stamp(scanner);
    instant = instant.has_value() ? instant : take_epoch(scanner);
    if (!instant.has_value() || !scanner.take(" ")) {
        return std::nullopt;
    }
    line = scanner.rest();
    return instant;
}

std::optional<Instant> parse_moment(std::string_view text, Instant now) {
    if (text == "now") {
        return now;
    }
    if (text == "today" || text == "yesterday") {
        return start_of_day(now, text == "today" ? 0 : 1);
    }
    if (const auto instant = parse_ago(text, now)) {
        return instant;
    }
    Scanner scanner(text);
    if (scanner.take("@")) {
        const auto count = parse_number<std::int64_t>(scanner.rest());
        constexpr std::int64_t most = std::int64_t{1} << 40;
        return count.has_value() && *count < most ? std::optional<Instant>(seconds(*count)) : std::nullopt;
    }
    WallClock wall;
    wall.date = date_of(local_time(now));
    const bool has_date = take_date(scanner, wall);
    const bool is_of_log = has_date && scanner.take("T");
    Scanner ahead = scanner;
    const bool is_next = !has_date || is_of_log || ahead.take(" ");
    const bool has_clock = is_next && take_clock(ahead, wall);
    scanner = has_clock ? ahead : scanner;
    take_zone(scanner, wall);
    if (is_of_log && !wall.offset.has_value()) {
        wall.offset = std::chrono::minutes(0);
    }
    const bool is_whole = scanner.rest().empty() && (has_clock || (has_date && !is_of_log));
    return is_whole ? instant_of(wall) : std::nullopt;
}

std::string describe_moment(Instant instant, Instant now) {
    const std::tm time = local_time(instant);
    return date_text(time) + " " + clock_text(time) + " " + time.tm_zone + day_text(time, now);
}

std::string describe_span(Instant first, Instant last, Instant now) {
    const std::tm from = local_time(first);
    const std::tm to = local_time(last);
    const bool is_same_day = date_of(from) == date_of(to);
    if (is_same_day && clock_text(from) == clock_text(to)) {
        return describe_moment(first, now);
    }
    return date_text(from) + " " + clock_text(from) + " to " + (is_same_day ? "" : date_text(to) + " ") +
           clock_text(to) + " " + to.tm_zone + day_text(to, now);
}

std::string text_of_instant(Instant instant) {
    const auto whole = floor<seconds>(instant);
    const timespec time{whole.count(), duration_cast<nanoseconds>(instant - whole).count()};
    Text<32> text;
    print_time(time, text);
    return std::string(text.view());
}

} // namespace portguard::tools
