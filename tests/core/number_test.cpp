#include "core/number.h"

#include <string>

#include "core/division.h"
#include "core/hash.h"

#include <gtest/gtest.h>

namespace portguard {
namespace {

TEST(Number, IsAllOfTheText) {
    EXPECT_EQ(parse_number<int>("0"), 0);
    EXPECT_EQ(parse_number<std::uint16_t>("00080"), 80);
    for (const char* const text : {"", " 1", "1 ", "+1", "-1", "1x", "x", "1.0", "0x10", "1\n"}) {
        EXPECT_EQ(parse_number<int>(text), std::nullopt) << text;
    }
}

template <typename Type>
void expect_to_end_at_its_limit() {
    const std::string most = std::to_string(std::numeric_limits<Type>::max());
    EXPECT_EQ(parse_number<Type>(most), std::numeric_limits<Type>::max());
    std::string more = most;
    ++more.back();
    EXPECT_EQ(parse_number<Type>(more), std::nullopt) << more;
    EXPECT_EQ(parse_number<Type>(most + "0"), std::nullopt);
}

TEST(Number, FitsItsType) {
    expect_to_end_at_its_limit<std::uint16_t>();
    expect_to_end_at_its_limit<std::int32_t>();
    expect_to_end_at_its_limit<std::uint32_t>();
    expect_to_end_at_its_limit<std::int64_t>();
    expect_to_end_at_its_limit<std::uint64_t>();
}

TEST(Number, MayBeHexadecimal) {
    EXPECT_EQ(parse_number<std::uint64_t>("7fFf00001a2b", 16), 0x7fff00001a2bU);
    EXPECT_EQ(parse_number<std::uint64_t>("ffffffffffffffff", 16), 0xffffffffffffffffU);
    EXPECT_EQ(parse_number<std::uint64_t>("10000000000000000", 16), std::nullopt);
    EXPECT_EQ(parse_number<int>("1g", 16), std::nullopt);
}

TEST(Number, IsTakenFromTheFrontOrNotAtAll) {
    std::string_view text = "6.18.5-rc1";
    EXPECT_EQ(take_number<unsigned>(text), 6U);
    EXPECT_EQ(text, ".18.5-rc1");
    EXPECT_EQ(take_number<unsigned>(text), std::nullopt);
    EXPECT_EQ(text, ".18.5-rc1");
    std::string_view large = "65536 ";
    EXPECT_EQ(take_number<std::uint16_t>(large), std::nullopt);
    EXPECT_EQ(large, "65536 ");
}

TEST(Division, ByDigitsIsThatOfTheProcessor) {
    std::uint64_t random = 1;
    for (int round = 0; round < 4096; ++round) {
        random = mixed(random + static_cast<std::uint64_t>(round));
        const std::uint64_t value = random >> (round % 64);
        for (const std::uint32_t divisor : {1U, 2U, 10U, 100U, 20'000U, 65'535U, 65'536U}) {
            std::uint64_t quotient = value;
            ASSERT_EQ(divide_by_digits(quotient, divisor), value % divisor) << value << '/' << divisor;
            ASSERT_EQ(quotient, value / divisor) << value << '/' << divisor;
        }
    }
}

TEST(Division, OfTheLargestNumberLeavesAllItsDigits) {
    std::uint64_t value = ~std::uint64_t{0};
    EXPECT_EQ(divide(value, 10), 5U);
    EXPECT_EQ(value, 1'844'674'407'370'955'161U);
}

} // namespace
} // namespace portguard
