#include <gtest/gtest.h>

#include "preload/fold.h"

namespace portguard {
namespace {

constexpr std::uint64_t ms = 1'000'000;
constexpr std::uint64_t second = 1000 * ms;
constexpr std::uint16_t limit = 20;

TEST(Fold, TellsAnEventOnceInItsWindowAndCountsTheRest) {
    Fold fold;
    EXPECT_TRUE(fold.admit(7, second, limit).told);
    for (int repeat = 0; repeat < 5; ++repeat) {
        EXPECT_FALSE(fold.admit(7, 2 * second, limit).told);
    }
    const Fold::Answer later = fold.admit(7, second + Fold::window_ns, limit);
    EXPECT_TRUE(later.told);
    EXPECT_EQ(later.count, 6U);
}

TEST(Fold, TellsDifferentEventsEach) {
    Fold fold;
    for (std::uint64_t key = 1; key <= limit; ++key) {
        EXPECT_TRUE(fold.admit(key, second, limit).told) << key;
    }
}

TEST(Fold, TellsNoMoreThanTheLimitInASecondAndSaysHowManyWereKeptBack) {
    Fold fold;
    int told = 0;
    for (std::uint64_t key = 1; key <= 100; ++key) {
        told += fold.admit(key, second + key * ms, limit).told ? 1 : 0;
    }
    EXPECT_EQ(told, limit);
    const Fold::Answer next = fold.admit(1000, 3 * second, limit);
    EXPECT_TRUE(next.told);
    EXPECT_EQ(next.kept_back, 80U);
}

TEST(Fold, AfterTheFirstFewItSpendsAHundredthOfTheTime) {
    Fold fold;
    std::uint64_t now = second;
    std::uint64_t key = 1;
    int told = 0;
    // 100 seconds of a new event each millisecond, each report taking 10 ms.
    for (; now < 101 * second; now += ms) {
        if (fold.admit(key++, now, limit).told) {
            fold.spend(10 * ms);
            ++told;
        }
    }
    EXPECT_GE(told, 100);
    EXPECT_LE(told, 100 + 2 * limit);
}

TEST(Fold, AClockThatStandsStillEndsNothingAndAFloodStaysSmall) {
    Fold fold;
    int first = 0;
    for (std::uint64_t key = 1; key <= 100; ++key) {
        first += fold.admit(key, second, limit).told ? 1 : 0;
    }
    EXPECT_GT(first, limit);
    int later = 0;
    for (std::uint64_t key = 101; key <= 10'000; ++key) {
        later += fold.admit(key, second, limit).told ? 1 : 0;
    }
    EXPECT_GT(later, 0);
    EXPECT_LT(later, 30);
}

TEST(Fold, AClockThatIsSetBackEndsNothing) {
    Fold fold;
    EXPECT_TRUE(fold.admit(7, 1000 * second, limit).told);
    EXPECT_TRUE(fold.admit(7, 2 * second, limit).told) << "the window began in the future";
    int told = 0;
    for (std::uint64_t step = 0; step < 200; ++step) {
        told += fold.admit(100 + step, 3 * second + step * 100 * ms, limit).told ? 1 : 0;
    }
    EXPECT_GT(told, 100);
}

TEST(Fold, AKeyOfZeroIsAKeyLikeAnother) {
    Fold fold;
    EXPECT_TRUE(fold.admit(0, second, limit).told);
    EXPECT_FALSE(fold.admit(0, second + ms, limit).told);
}

} // namespace
} // namespace portguard
