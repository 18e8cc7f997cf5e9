#include <gtest/gtest.h>

#include "tools/check/facts_of.h"
#include "tools/common/port_text.h"
#include "tools/plan/split.h"

namespace portguard::test {
namespace {

using tools::largest_gap;
using tools::propose_split;

TEST(LargestGap, IsAllOfFreeBounds) {
    EXPECT_EQ(largest_gap({1024, 65535}, {}), (PortRange{1024, 65535}));
}

TEST(LargestGap, IsBelowBetweenOrAbove) {
    EXPECT_EQ(largest_gap({1000, 1999}, port_set("1900")), (PortRange{1000, 1899}));
    EXPECT_EQ(largest_gap({1000, 1999}, port_set("1099,1900")), (PortRange{1100, 1899}));
    EXPECT_EQ(largest_gap({1000, 1999}, port_set("1-1099")), (PortRange{1100, 1999}));
    EXPECT_EQ(largest_gap({1000, 1999}, port_set("1500-65535")), (PortRange{1000, 1499}));
}

TEST(LargestGap, HoldsAnEvenNumberOfPorts) {
    EXPECT_EQ(largest_gap({1000, 1998}, {}), (PortRange{1001, 1998}));
    EXPECT_EQ(largest_gap({1000, 1000}, {}), PortRange{});
}

TEST(LargestGap, KeepsTheEndsThatWereGiven) {
    EXPECT_EQ(largest_gap({15000, 65000}, {}, true), (PortRange{15000, 65000}));
    EXPECT_EQ(largest_gap({1000, 1998}, port_set("1997-1998"), true), (PortRange{1000, 1995}));
    EXPECT_EQ(largest_gap({1000, 1998}, port_set("1000-1001"), true), (PortRange{1003, 1998}));
}

TEST(LargestGap, IsEmptyWhereAllIsTaken) {
    EXPECT_EQ(largest_gap({1000, 1999}, port_set("1-65535")), PortRange{});
    EXPECT_EQ(largest_gap({}, {}), PortRange{});
}

TEST(Split, KeepsReservedPortsReserved) {
    const auto split = propose_split({port_set("5000-14999"), {1024, 65535}, port_set("30000"), 4096});
    EXPECT_EQ(split.ephemeral, (PortRange{30002, 65535}));
    EXPECT_EQ(tools::text_of(split.reserved), "30000");
    EXPECT_EQ(split.ports, 35534U);
    EXPECT_FALSE(split.needs_reserved);
}

TEST(Split, GoesAroundListenersThatStandTooFarApart) {
    const auto split = propose_split({port_set("20000,30000"), {10000, 39999}, {}, 20000});
    EXPECT_EQ(split.ephemeral, (PortRange{10000, 39999}));
    EXPECT_EQ(tools::text_of(split.reserved), "20000,30000");
    EXPECT_EQ(split.ports, 29998U);
    EXPECT_TRUE(split.needs_reserved);
}

TEST(Split, OfARangeThatWasGivenSaysWhatTheKernelPrefers) {
    const auto split = propose_split({port_set("5000-14999"), {15000, 65000}, {}, 4096, true});
    EXPECT_EQ(split.ephemeral, (PortRange{15000, 65000}));
    EXPECT_NE(split.remark.find("15001-65000"), std::string::npos) << split.remark;
    EXPECT_EQ(propose_split({port_set("5000-14999"), {15000, 64999}, {}, 4096, true}).remark, "");
}

TEST(Split, NamesWhatMakesItImpossible) {
    const auto split = propose_split({port_set("1-65500"), {1024, 65535}, {}, 4096});
    EXPECT_TRUE(split.ephemeral.empty());
    EXPECT_NE(split.obstacle.find("35 of the ports 1024-65535"), std::string::npos) << split.obstacle;
    EXPECT_NE(split.obstacle.find("1024-65500"), std::string::npos) << split.obstacle;
}

} // namespace
} // namespace portguard::test
