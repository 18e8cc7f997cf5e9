#include "tools/events/wall_clock.h"

#include <string>

namespace portguard::tools {
namespace {

using namespace std::chrono;

std::tm tm_of(const WallClock& wall) {
    std::tm time{};
    time.tm_year = wall.date.year - 1900;
    time.tm_mon = static_cast<int>(wall.date.month) - 1;
    time.tm_mday = static_cast<int>(wall.date.day);
    time.tm_hour = static_cast<int>(wall.hour.count());
    time.tm_min = static_cast<int>(wall.minute.count());
    time.tm_sec = static_cast<int>(wall.second.count());
    time.tm_isdst = -1;
    return time;
}

} // namespace

std::optional<Instant> instant_of(const WallClock& wall) {
    if (!wall.ok()) {
        return std::nullopt;
    }
    if (wall.offset.has_value()) {
        return days(days_since_epoch(wall.date)) + wall.hour + wall.minute + wall.second + wall.fraction -
               *wall.offset;
    }
    std::tm time = tm_of(wall);
    return seconds(std::mktime(&time)) + wall.fraction;
}

std::tm local_time(Instant instant) {
    const std::time_t time = floor<seconds>(instant).count();
    std::tm result{};
    ::localtime_r(&time, &result);
    return result;
}

CivilDate date_of(const std::tm& time) {
    return {time.tm_year + 1900, static_cast<unsigned>(time.tm_mon + 1), static_cast<unsigned>(time.tm_mday)};
}

bool take_date(Scanner& scanner, WallClock& wall) {
    Scanner ahead = scanner;
    const auto year = ahead.digits(4);
    const bool has_month = ahead.take("-");
    const auto month = ahead.digits(2);
    const bool has_day = ahead.take("-");
    const auto day = ahead.digits(2);
    if (!year || !has_month || !month || !has_day || !day) {
        return false;
    }
    wall.date = {*year, static_cast<unsigned>(*month), static_cast<unsigned>(*day)};
    scanner = ahead;
    return true;
}

bool take_clock(Scanner& scanner, WallClock& wall) {
    Scanner ahead = scanner;
    const auto hour = ahead.digits(2);
    const bool has_minute = ahead.take(":");
    const auto minute = ahead.digits(2);
    if (!hour || !has_minute || !minute) {
        return false;
    }
    wall.hour = hours(*hour);
    wall.minute = minutes(*minute);
    scanner = ahead;
    const auto second = ahead.take(":") ? ahead.digits(2) : std::nullopt;
    if (second.has_value()) {
        wall.second = seconds(*second);
        wall.fraction = milliseconds(ahead.take(".") || ahead.take(",") ? ahead.fraction() : 0);
        scanner = ahead;
    }
    return true;
}

void take_zone(Scanner& scanner, WallClock& wall) {
    if (scanner.take("Z") || scanner.take(" UTC") || scanner.take(" GMT")) {
        wall.offset = minutes(0);
        return;
    }
    Scanner ahead = scanner;
    const bool is_east = ahead.take("+");
    const auto hour = is_east || ahead.take("-") ? ahead.digits(2) : std::nullopt;
    if (hour.has_value()) {
        static_cast<void>(ahead.take(":"));
        const minutes length = hours(*hour) + minutes(ahead.digits(2).value_or(0));
        wall.offset = is_east ? length : -length;
        scanner = ahead;
        return;
    }
    for (const char* const name : {::tzname[0], ::tzname[1]}) {
        if (*name != '\0' && scanner.take(" " + std::string(name))) {
            return;
        }
    }
}

} // namespace portguard::tools
