// Days and dates of the Gregorian calendar, which std::chrono has from GCC 11 on.
#pragma once

#include <array>
#include <cstdint>

namespace portguard {

struct CivilDate {
    int year = 0;
    /// 1 to 12.
    unsigned month = 0;
    unsigned day = 0;

    friend constexpr bool operator==(const CivilDate&, const CivilDate&) = default;

    /// There is such a day.
    [[nodiscard]] constexpr bool ok() const {
        constexpr std::array<unsigned, 12> lengths{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        const bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        return month >= 1 && month <= 12 && day >= 1 &&
               day <= lengths[month - 1] + (month == 2 && is_leap ? 1U : 0U);
    }
};

// Counted in years that begin on 1 March, so that the leap day is the last one, and in eras of 400 such
// years, which are all of the same length (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
inline constexpr std::int64_t days_of_era = 146097;
inline constexpr std::int64_t epoch_since_era = 719468;

/// Since 1970-01-01.
constexpr std::int64_t days_since_epoch(const CivilDate& date) {
    const std::int64_t year = std::int64_t{date.year} - (date.month <= 2 ? 1 : 0);
    const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
    const std::int64_t year_of_era = year - era * 400;
    const std::int64_t month = (date.month + 9) % 12;
    const std::int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
    const std::int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * days_of_era + day_of_era - epoch_since_era;
}

/// In the type of `since_epoch`: on i386 one of 64 bits is divided by a function of libgcc.
template <typename Days>
constexpr CivilDate date_of_day(Days since_epoch) {
    constexpr Days era_length = days_of_era;
    const Days days = since_epoch + Days{epoch_since_era};
    const Days era = (days >= 0 ? days : days - (era_length - 1)) / era_length;
    const Days day_of_era = days - era * era_length;
    const Days year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const Days day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const Days month = (5 * day_of_year + 2) / 153;
    return {static_cast<int>(year_of_era + era * 400 + (month >= 10 ? 1 : 0)),
            static_cast<unsigned>(month < 10 ? month + 3 : month - 9),
            static_cast<unsigned>(day_of_year - (153 * month + 2) / 5 + 1)};
}

} // namespace portguard
