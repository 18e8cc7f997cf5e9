// Dates, beside those of the standard library.
#include "core/civil_date.h"

#include <chrono>

#include <gtest/gtest.h>

namespace portguard::test {
namespace {

using namespace std::chrono;

TEST(CivilDate, IsThatOfTheStandardLibraryForEachDayOfAThousandYears) {
    const sys_days last{year(2500) / 12 / 31};
    for (sys_days day{year(1500) / 1 / 1}; day <= last; day += days(1)) {
        const year_month_day expected(day);
        const CivilDate date = date_of_day(day.time_since_epoch().count());
        ASSERT_EQ(date, (CivilDate{static_cast<int>(expected.year()), static_cast<unsigned>(expected.month()),
                                   static_cast<unsigned>(expected.day())}));
        ASSERT_TRUE(date.ok());
        ASSERT_EQ(days_since_epoch(date), day.time_since_epoch().count());
    }
}

TEST(CivilDate, IsOfADayThatThereIs) {
    for (const int one : {1900, 2000, 2023, 2024}) {
        for (unsigned month_ = 0; month_ <= 13; ++month_) {
            for (unsigned day_ = 0; day_ <= 32; ++day_) {
                EXPECT_EQ((CivilDate{one, month_, day_}.ok()),
                          year_month_day(year(one), month(month_), day(day_)).ok())
                    << one << '-' << month_ << '-' << day_;
            }
        }
    }
}

} // namespace
} // namespace portguard::test
