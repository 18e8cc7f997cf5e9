#include "tools/events/log_time.h"

#include <cstdlib>
#include <ctime>

#include <gtest/gtest.h>

namespace portguard::tools {
namespace {

using namespace std::chrono;

/// 2026-11-25 09:30:00 UTC.
constexpr Instant now = sys_days(year(2026) / 11 / 25).time_since_epoch() + hours(9) + minutes(30);

/// West of Greenwich by five hours, without a file of zones.
struct LogTime : testing::Test {
    LogTime() {
        ::setenv("TZ", "XYZ5", 1);
        ::tzset();
    }
    ~LogTime() override {
        ::unsetenv("TZ");
        ::tzset();
    }
};

std::string stamped(std::string_view line) {
    const auto instant = take_stamp(line, now);
    return (instant.has_value() ? text_of_instant(*instant) : "none") + " " + std::string(line);
}

std::string moment(std::string_view text) {
    const auto instant = parse_moment(text, now);
    return instant.has_value() ? text_of_instant(*instant) : "none";
}

TEST_F(LogTime, OfEveryLoggerIsTakenOffALine) {
    const std::pair<const char*, const char*> cases[] = {
        {"Nov 24 18:22:08 host x", "2026-11-24T23:22:08.000Z host x"},
        {"Nov  4 18:22:08.250000 host", "2026-11-04T23:22:08.250Z host"},
        {"2026-11-24T18:22:08.123456+01:00 host", "2026-11-24T17:22:08.123Z host"},
        {"2026-11-24T18:22:08+0100 host", "2026-11-24T17:22:08.000Z host"},
        {"2026-11-24T18:22:08.5Z stderr F x", "2026-11-24T18:22:08.500Z stderr F x"},
        {"2026-11-24 18:22:08,123 x", "2026-11-24T23:22:08.123Z x"},
        {"Tue 2026-11-24 18:22:08 UTC host", "2026-11-24T18:22:08.000Z host"},
        {"Tue 2026-11-24 18:22:08 XYZ host", "2026-11-24T23:22:08.000Z host"},
        {"1763973728.123456 host", "2025-11-24T08:42:08.123Z host"},
        {"Nov 31 18:22:08 host", "none Nov 31 18:22:08 host"},
        {"2026-11-24T25:22:08Z host", "none 2026-11-24T25:22:08Z host"},
        {"Tuesday host", "none Tuesday host"},
        {"", "none "},
    };
    for (const auto& [line, expected] : cases) {
        EXPECT_EQ(stamped(line), expected) << line;
    }
}

TEST_F(LogTime, WithoutAYearIsTheLastOneThatHasBeen) {
    EXPECT_EQ(stamped("Nov 25 03:00:00 h"), "2026-11-25T08:00:00.000Z h");
    EXPECT_EQ(stamped("Dec 31 23:59:59 h"), "2026-01-01T04:59:59.000Z h");
    EXPECT_EQ(stamped("Feb 29 00:00:00 h"), "none Feb 29 00:00:00 h");
}

TEST_F(LogTime, OfAPersonIsLocalUnlessItSaysOtherwise) {
    const std::pair<const char*, const char*> cases[] = {
        {"now", "2026-11-25T09:30:00.000Z"},
        {"today", "2026-11-25T05:00:00.000Z"},
        {"yesterday", "2026-11-24T05:00:00.000Z"},
        {"-1d", "2026-11-24T09:30:00.000Z"},
        {"1h", "2026-11-25T08:30:00.000Z"},
        {"90s ago", "2026-11-25T09:28:30.000Z"},
        {"03:15", "2026-11-25T08:15:00.000Z"},
        {"2026-11-24", "2026-11-24T05:00:00.000Z"},
        {"2026-11-24 18:01", "2026-11-24T23:01:00.000Z"},
        {"2026-11-24 18:01:24 UTC", "2026-11-24T18:01:24.000Z"},
        {"2026-11-24T18:01", "2026-11-24T18:01:00.000Z"},
        {"2026-11-24T18:01:24.960Z", "2026-11-24T18:01:24.960Z"},
        {"2026-11-24T18:01:24+02:00", "2026-11-24T16:01:24.000Z"},
        {"@1763973728", "2025-11-24T08:42:08.000Z"},
    };
    for (const auto& [text, expected] : cases) {
        EXPECT_EQ(moment(text), expected) << text;
    }
    for (const char* const nothing : {"", "soon", "2026", "2026-02-30", "2026-11-24T", "25:00", "18:01 today",
                                      "-", "@", "@x", "1y", "2026-11-24 "}) {
        EXPECT_EQ(moment(nothing), "none") << nothing;
    }
}

TEST_F(LogTime, IsShownWithDateZoneAndDay) {
    EXPECT_EQ(describe_moment(now, now), "2026-11-25 04:30:00 XYZ, today");
    EXPECT_EQ(describe_moment(now - hours(5), now), "2026-11-24 23:30:00 XYZ, yesterday");
    EXPECT_EQ(describe_moment(now - days(9), now), "2026-11-16 04:30:00 XYZ, 9 days ago");
    EXPECT_EQ(describe_moment(now + days(1), now), "2026-11-26 04:30:00 XYZ");
    EXPECT_EQ(describe_span(now - hours(2), now, now), "2026-11-25 02:30:00 to 04:30:00 XYZ, today");
    EXPECT_EQ(describe_span(now - hours(24), now, now),
              "2026-11-24 04:30:00 to 2026-11-25 04:30:00 XYZ, today");
    EXPECT_EQ(describe_span(now, now + milliseconds(3), now), "2026-11-25 04:30:00 XYZ, today");
}

} // namespace
} // namespace portguard::tools
