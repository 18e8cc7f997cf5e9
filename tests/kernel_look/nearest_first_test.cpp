// How few of a row are looked at, and that none is left out.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include <gtest/gtest.h>

#include "kernel/nearest_first.h"

namespace portguard::test {
namespace {

/// The order, up to `wanted`, of a row whose numbers are as far from its one as `distance_of` says.
template <typename Distance>
std::vector<std::size_t> search(std::size_t count, std::size_t wanted, Distance distance_of) {
    NearestFirst order(count);
    std::vector<std::size_t> seen;
    while (const auto index = order.next()) {
        seen.push_back(*index);
        order.note(*index, distance_of(*index));
        if (*index == wanted) {
            break;
        }
    }
    return seen;
}

constexpr std::size_t nowhere = 1'000'000;

std::uint32_t none(std::size_t /*index*/) {
    return infinitely_far;
}

TEST(NearestFirst, AmongItsLikeItIsFoundInTwiceTheSquareRoot) {
    for (std::size_t wanted = 0; wanted < 400; ++wanted) {
        const auto seen = search(400, wanted, [wanted](std::size_t index) {
            return static_cast<std::uint32_t>(index < wanted ? wanted - index : index - wanted);
        });
        EXPECT_EQ(seen.back(), wanted);
        EXPECT_LE(seen.size(), 45U) << wanted;
    }
}

TEST(NearestFirst, WhateverTheRowSaysEachIsLookedAtOnce) {
    std::srand(1);
    for (const std::size_t count :
         {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{50}}) {
        for (const bool blank : {true, false}) {
            auto seen = search(count, nowhere, [blank](std::size_t index) {
                return blank ? none(index) : static_cast<std::uint32_t>(std::rand());
            });
            std::sort(seen.begin(), seen.end());
            ASSERT_EQ(seen.size(), count);
            for (std::size_t index = 0; index < count; ++index) {
                EXPECT_EQ(seen[index], index);
            }
        }
    }
}

TEST(NearestFirst, WhatIsKnownIsNotLookedAtAndLeadsTheWay) {
    NearestFirst order(100);
    for (std::size_t index = 0; index < 100; index += 10) {
        order.note(index, index == 70 ? 5 : 50);
    }
    EXPECT_EQ(order.next(), 71U);
    order.note(71, 9);
    EXPECT_EQ(order.next(), 69U);
}

} // namespace
} // namespace portguard::test
