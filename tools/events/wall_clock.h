// Date and time as people and loggers write them, read piece by piece.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <optional>
#include <string_view>

#include "core/civil_date.h"
#include "core/number.h"
#include "tools/events/log_time.h"

namespace portguard::tools {

/// Takes what it is asked for off the start of a text, or nothing.
class Scanner {
public:
    explicit Scanner(std::string_view text) : rest_(text) {}

    [[nodiscard]] std::string_view rest() const { return rest_; }
    bool take(std::string_view word) {
        const bool is_there = rest_.starts_with(word);
        rest_.remove_prefix(is_there ? word.size() : 0);
        return is_there;
    }
    std::optional<int> digits(std::size_t count) {
        const std::string_view text = rest_.substr(0, count);
        if (text.size() < count || !is_number(text)) {
            return std::nullopt;
        }
        rest_.remove_prefix(count);
        return parse_number<int>(text);
    }
    /// What follows a decimal point, as milliseconds.
    int fraction() {
        std::size_t count = 0;
        int value = 0;
        for (; count < rest_.size() && is_number(rest_.substr(count, 1)); ++count) {
            value = count < 3 ? value * 10 + (rest_[count] - '0') : value;
        }
        rest_.remove_prefix(count);
        for (; count < 3; ++count) {
            value *= 10;
        }
        return value;
    }
    template <std::size_t size>
    std::optional<int> index_of(const std::array<std::string_view, size>& words) {
        for (std::size_t index = 0; index < size; ++index) {
            if (take(words[index])) {
                return static_cast<int>(index);
            }
        }
        return std::nullopt;
    }

private:
    static bool is_number(std::string_view text) {
        return std::all_of(text.begin(), text.end(),
                           [](char character) { return character >= '0' && character <= '9'; });
    }
    std::string_view rest_;
};

struct WallClock {
    CivilDate date;
    std::chrono::hours hour{0};
    std::chrono::minutes minute{0};
    std::chrono::seconds second{0};
    std::chrono::milliseconds fraction{0};
    /// Of the zone; empty: local time.
    std::optional<std::chrono::minutes> offset;

    /// 60 is a leap second.
    [[nodiscard]] bool ok() const {
        return date.ok() && hour < std::chrono::hours(24) && minute < std::chrono::minutes(60) &&
               second <= std::chrono::seconds(60);
    }
};

/// Null: there is no such date or time.
std::optional<Instant> instant_of(const WallClock& wall);
std::tm local_time(Instant instant);
CivilDate date_of(const std::tm& time);

/// "2026-11-24". False: it is not there, and nothing is taken.
bool take_date(Scanner& scanner, WallClock& wall);
/// "18:01", "18:01:24", "18:01:24.960".
bool take_clock(Scanner& scanner, WallClock& wall);
/// "Z", "+01:00", "+0100", " UTC" and the names of the local zone; without one, it is local time.
void take_zone(Scanner& scanner, WallClock& wall);

} // namespace portguard::tools
