#include <gtest/gtest.h>

#include "explain/fold.h"

namespace portguard::test {
namespace {

constexpr std::uint16_t plenty = 1000;
constexpr std::uint64_t start = 5'000'000;

TEST(Fold, TellsTheFirstAndCountsItsRepeatsForTenSeconds) {
    Fold fold;
    EXPECT_TRUE(fold.admit(7, start, plenty).told);
    EXPECT_FALSE(fold.admit(7, start + 1, plenty).told);
    EXPECT_FALSE(fold.admit(7, start + Fold::window_ms - 1, plenty).told);
    const Fold::Answer next = fold.admit(7, start + Fold::window_ms, plenty);
    EXPECT_TRUE(next.told);
    EXPECT_EQ(next.count, 3U);
    EXPECT_EQ(fold.admit(7, start + 2 * Fold::window_ms, plenty).count, 1U);
}

TEST(Fold, KeepsDifferentEventsApart) {
    Fold fold;
    for (std::uint64_t key = 0; key < 20; ++key) {
        EXPECT_TRUE(fold.admit(key * 0x9e3779b97f4a7c15, start, plenty).told) << key;
    }
}

TEST(Fold, TellsMoreRatherThanNothingWhenItsMemoryIsFull) {
    Fold fold;
    for (std::uint64_t key = 1; key <= 500; ++key) {
        EXPECT_TRUE(fold.admit(key, start + key, plenty).told) << key;
    }
}

TEST(Fold, KeepsBackWhatIsOverTheLimitOfASecondAndSaysHowMuch) {
    Fold fold;
    for (std::uint64_t key = 1; key <= 5; ++key) {
        EXPECT_EQ(fold.admit(key, start, 2).told, key <= 2) << key;
    }
    EXPECT_TRUE(fold.is_over_limit(start + 999, 2));
    EXPECT_FALSE(fold.is_over_limit(start + 1000, 2));
    const Fold::Answer next = fold.admit(9, start + 1000, 2);
    EXPECT_TRUE(next.told);
    EXPECT_EQ(next.kept_back, 4U);
    EXPECT_EQ(fold.admit(10, start + 1000, 2).kept_back, 0U);
}

} // namespace
} // namespace portguard::test
