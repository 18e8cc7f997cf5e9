#include "core/port_sequence.h"

#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace portguard {
namespace {

std::vector<std::uint16_t> all_of(PortSequence sequence) {
    std::vector<std::uint16_t> ports;
    for (std::uint16_t port = sequence.next(); port != 0 && ports.size() <= 65536; port = sequence.next()) {
        ports.push_back(port);
    }
    return ports;
}

TEST(PortSequence, GivesEveryPortOfARangeOnce) {
    for (const PortRange range :
         {PortRange{5, 5}, PortRange{1024, 65535}, PortRange{15000, 15011}, PortRange{1, 2}}) {
        for (const std::uint64_t seed : {0U, 1U, 99U, 4000000000U}) {
            const auto ports = all_of(PortSequence(range, seed));
            const std::set<std::uint16_t> distinct(ports.begin(), ports.end());
            EXPECT_EQ(ports.size(), range.size());
            EXPECT_EQ(distinct.size(), range.size());
            EXPECT_EQ(*distinct.begin(), range.low);
            EXPECT_EQ(*distinct.rbegin(), range.high);
        }
    }
}

TEST(PortSequence, GivesEveryUnprivilegedPortOfASet) {
    PortSet ports;
    for (const PortRange range :
         {PortRange{80, 80}, PortRange{1020, 1026}, PortRange{8080, 8081}, PortRange{65535, 65535}}) {
        ports.insert(range);
    }
    const auto given = all_of(PortSequence(ports, 7));
    const std::set<std::uint16_t> expected{1024, 1025, 1026, 8080, 8081, 65535};
    EXPECT_EQ(given.size(), expected.size());
    EXPECT_EQ(std::set<std::uint16_t>(given.begin(), given.end()), expected);
}

TEST(PortSequence, GivesPrivilegedPortsWhereThereAreNoOthers) {
    PortSet ports;
    ports.insert({80, 81});
    const auto given = all_of(PortSequence(ports, 1));
    EXPECT_EQ(std::set<std::uint16_t>(given.begin(), given.end()), (std::set<std::uint16_t>{80, 81}));
}

TEST(PortSequence, GivesNothingOfNothing) {
    EXPECT_EQ(PortSequence(PortRange{}, 1).next(), 0);
    EXPECT_EQ(PortSequence(PortSet{}, 1).next(), 0);
}

TEST(PortSequence, SpreadsNeighbouringSeedsOverTheRange) {
    constexpr PortRange range{15000, 64999};
    constexpr int draws = 1000;
    int tenths[10] = {};
    for (std::uint64_t seed = 0; seed < draws; ++seed) {
        ++tenths[(PortSequence(range, seed).next() - range.low) / 5000];
    }
    for (const int share : tenths) {
        EXPECT_GT(share, draws / 20);
        EXPECT_LT(share, draws / 5);
    }
}

} // namespace
} // namespace portguard
