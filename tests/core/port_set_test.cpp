#include "core/port_set.h"

#include <bitset>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "core/making.h"

namespace portguard {
namespace {

using test::ports;
using test::written;

std::string printed(const PortSet& set) {
    return written([&](TextWriter& out) { print_port_set(set, out); });
}

/// "ok 80-90", or the refusal.
std::string read_range(std::string_view text) {
    PortRange range{7, 7};
    Sentence why;
    if (!parse_port_range(text, range, why)) {
        EXPECT_EQ(range, (PortRange{7, 7})) << "a refused range changed what was there";
        return std::string(why.view());
    }
    return "ok " + written([&](TextWriter& out) { print_port_range(range, out); });
}

TEST(PortRange, HoldsBothEnds) {
    constexpr PortRange range{10, 20};
    EXPECT_TRUE(range.contains(10));
    EXPECT_TRUE(range.contains(20));
    EXPECT_FALSE(range.contains(9));
    EXPECT_FALSE(range.contains(21));
    EXPECT_EQ(range.size(), 11U);
}

TEST(PortRange, WithoutPortsHoldsNoneNotEvenZero) {
    EXPECT_TRUE(PortRange{}.empty());
    EXPECT_FALSE(PortRange{}.contains(0));
    EXPECT_EQ(PortRange{}.size(), 0U);
    EXPECT_EQ((PortRange{1, 65535}).size(), 65535U);
}

TEST(PortRange, IntersectionIsWhatBothHold) {
    struct Row {
        PortRange left, right, both;
    };
    const Row rows[] = {
        {{1, 10}, {5, 20}, {5, 10}},          {{1, 10}, {10, 20}, {10, 10}},        {{1, 10}, {11, 20}, {}},
        {{1, 65535}, {300, 400}, {300, 400}}, {{300, 400}, {300, 400}, {300, 400}}, {{}, {1, 65535}, {}},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(testing::Message() << row.left.low << '-' << row.left.high << " and " << row.right.low
                                        << '-' << row.right.high);
        EXPECT_EQ(intersection(row.left, row.right), row.both);
        EXPECT_EQ(intersection(row.right, row.left), row.both);
    }
}

TEST(PortSet, TakesInAllOfAnother) {
    PortSet all = ports("80,5000-5010");
    all.insert(ports("443,5005-6000"));
    EXPECT_EQ(written([&](TextWriter& out) { print_port_set(all, out); }), "80,443,5000-6000");
}

TEST(PortSet, IsEmptyUntilAPortIsInserted) {
    PortSet set;
    EXPECT_TRUE(set.empty());
    set.insert(PortRange{});
    EXPECT_TRUE(set.empty());
    EXPECT_TRUE(set.next_run(0).empty());
    set.insert({65535, 65535});
    EXPECT_FALSE(set.empty());
    set.clear();
    EXPECT_TRUE(set.empty());
}

TEST(PortSet, HoldsNothingOfWhatWasClearedWhenAHigherPortComes) {
    PortSet set = ports("80,20000-30000");
    set.clear();
    set.insert({100, 100});
    EXPECT_EQ(set.first_common({101, 65535}), 0);
    EXPECT_EQ(set.next_run(0), (PortRange{100, 100}));
    set.insert({40000, 65535});
    EXPECT_EQ(printed(set), "100,40000-65535");
    EXPECT_EQ(set.count({1, 65535}), 25537U);
}

TEST(PortSet, TakesInASetThatReachesHigher) {
    PortSet all = ports("80");
    all.insert(ports("50000"));
    EXPECT_EQ(all.first_common({81, 65535}), 50000);
}

TEST(PortSet, HoldsTheFirstAndTheLastPort) {
    const PortSet set = ports("1,65535");
    EXPECT_TRUE(set.contains(1));
    EXPECT_TRUE(set.contains(65535));
    EXPECT_FALSE(set.contains(0));
    EXPECT_FALSE(set.contains(2));
    EXPECT_FALSE(set.contains(65534));
}

TEST(PortSet, HoldsAThousandRangesAndNoPortBetweenThem) {
    const PortSet set = ports(test::thousand_ranges());
    EXPECT_EQ(set.count({1, 65535}), 1000U);
    for (unsigned port = 10000; port < 12000; ++port) {
        EXPECT_EQ(set.contains(static_cast<std::uint16_t>(port)), port % 2 == 0) << port;
    }
    EXPECT_EQ(printed(set), test::thousand_ranges());
}

TEST(PortSet, GivesItsRunsFromAPlaceOn) {
    const PortSet set = ports("5-10,12,60000-65535");
    EXPECT_EQ(set.next_run(0), (PortRange{5, 10}));
    EXPECT_EQ(set.next_run(7), (PortRange{7, 10}));
    EXPECT_EQ(set.next_run(11), (PortRange{12, 12}));
    EXPECT_EQ(set.next_run(13), (PortRange{60000, 65535}));
    EXPECT_TRUE(set.next_run(65536).empty());
}

TEST(PortSet, NamesTheLowestPortItSharesWithARange) {
    const PortSet set = ports("80,5000-15000");
    EXPECT_EQ(set.first_common({15000, 65000}), 15000);
    EXPECT_EQ(set.first_common({1, 65535}), 80);
    EXPECT_EQ(set.first_common({81, 4999}), 0);
    EXPECT_EQ(set.first_common({15001, 65535}), 0);
    EXPECT_EQ(set.first_common({}), 0);
}

TEST(PortSet, AgreesWithAPlainBitmapOnAnyRanges) {
    std::minstd_rand random(1);
    std::uniform_int_distribution<unsigned> any_port(1, 65535);
    for (int round = 0; round < 50; ++round) {
        PortSet set;
        std::bitset<65536> model;
        for (int insertion = 0; insertion < 4; ++insertion) {
            const unsigned low = any_port(random);
            const unsigned high = std::min(65535U, low + any_port(random) % 200);
            set.insert({static_cast<std::uint16_t>(low), static_cast<std::uint16_t>(high)});
            for (unsigned port = low; port <= high; ++port) {
                model.set(port);
            }
        }
        for (unsigned port = 0; port < model.size(); ++port) {
            ASSERT_EQ(set.contains(static_cast<std::uint16_t>(port)), model.test(port)) << port;
        }
        const unsigned low = any_port(random);
        EXPECT_EQ(set.count({static_cast<std::uint16_t>(low), 65535}), (model >> low).count()) << low;
        EXPECT_EQ(set.count({1, static_cast<std::uint16_t>(low)}), (model << (65535 - low)).count()) << low;
    }
}

TEST(ParsePort, TakesDecimalPortsAlone) {
    EXPECT_EQ(parse_port("1"), 1);
    EXPECT_EQ(parse_port("65535"), 65535);
    for (const char* text : {"", "0", "65536", "4294967297", "18446744073709551617", "-1", "+1", " 1", "1 ",
                             "0x50", "1e3", "http", "8o", "1\n"}) {
        EXPECT_EQ(parse_port(text), 0) << '\'' << text << '\'';
    }
}

TEST(ParsePortRange, ReadsOneRangeOrOnePort) {
    EXPECT_EQ(read_range("15000-65000"), "ok 15000-65000");
    EXPECT_EQ(read_range(" 1 - 65535\t"), "ok 1-65535");
    EXPECT_EQ(read_range("80"), "ok 80");
    EXPECT_EQ(read_range("80-80"), "ok 80");
}

TEST(ParsePortRange, SaysWhatIsWrongWithWhichWord) {
    EXPECT_EQ(read_range(""), "'' holds no port");
    EXPECT_EQ(read_range(" "), "'' holds no port");
    EXPECT_EQ(read_range("20-10"), "'20-10' is reversed: the lower port comes first");
    for (const char* word :
         {"0", "0-10", "10-0", "-10", "10-", "-", "1-2-3", "65536", "1-65536", "80 90", "a-b"}) {
        EXPECT_EQ(read_range(word),
                  '\'' + std::string(word) + "' is not a port from 1 to 65535 or a range of them");
    }
}

TEST(ParsePortRange, KeepsItsSentenceShortAndPrintableWhateverTheWord) {
    const std::string why = read_range(std::string(5000, '\x1b'));
    EXPECT_EQ(why.size(), std::string_view("''... is not a port from 1 to 65535 or a range of them").size() +
                              excerpt_length);
    EXPECT_EQ(why.find('\x1b'), std::string::npos);
}

TEST(ParsePortSet, ReadsPortsAndRangesInAnyOrder) {
    EXPECT_EQ(printed(ports("80,443,5000-14999")), "80,443,5000-14999");
    EXPECT_EQ(printed(ports(" 443 , 80\t,80")), "80,443");
    EXPECT_EQ(printed(ports("10-20,15-30,31")), "10-31");
    EXPECT_EQ(printed(ports("1-65535")), "1-65535");
}

TEST(ParsePortSet, ReplacesWhatWasThere) {
    PortSet set = ports("80");
    Sentence why;
    ASSERT_TRUE(parse_port_set("443", set, why));
    EXPECT_EQ(printed(set), "443");
}

TEST(ParsePortSet, ChangesNothingWhereOneWordIsWrong) {
    for (const char* list : {"", "81,", ",81", "81,,82", "81,x", "81,90-82", "81;82"}) {
        PortSet set = ports("80");
        Sentence why;
        EXPECT_FALSE(parse_port_set(list, set, why)) << '\'' << list << '\'';
        EXPECT_FALSE(why.empty());
        EXPECT_EQ(printed(set), "80") << '\'' << list << '\'';
    }
}

} // namespace
} // namespace portguard
