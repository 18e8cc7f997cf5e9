// What is left where IP_LOCAL_PORT_RANGE cannot be had, and the port that a connection must not be given.
#include <gtest/gtest.h>

#include "core/making.h"
#include "core/policy.h"

namespace portguard {
namespace {

using test::configured;
using test::host;
using test::what;
using test::facts::mptcp;
using test::facts::tcp;

Config planned(std::string_view method = "auto") {
    return configured({{"listen", "5000-14999"}, {"ephemeral", "15000-65000"}, {"range_method", method}});
}

TEST(DecideWithoutRange, SearchesTheRangeThatWasRefused) {
    const Verdict refused{
        .before = Before::set_port_range, .range = {15000, 60999}, .next = mptcp.with_clamp()};
    const Verdict verdict = decide_without_range(planned(), refused, mptcp);
    EXPECT_EQ(what(verdict), "bind_range");
    EXPECT_EQ(verdict.range, (PortRange{15000, 60999}));
    EXPECT_EQ(what(verdict.next), "mptcp");
}

TEST(DecideWithoutRange, DoesNothingWhereTheMethodIsForcedOrARangeWasToBeTakenAway) {
    const Verdict refused{.before = Before::set_port_range, .range = {15000, 60999}, .next = mptcp};
    EXPECT_EQ(what(decide_without_range(planned("socket"), refused, mptcp)), "pass");
    EXPECT_EQ(what(decide_without_range(planned(), {.before = Before::set_port_range}, mptcp)), "pass");
}

TEST(PortToAvoid, IsLeftOutOfTheRangeAndOfTheSearch) {
    const OutgoingPlan clamped = plan_outgoing(planned(), host("10000-60999"));
    const Verdict below = decide_connect(planned(), clamped, tcp, 50000);
    EXPECT_EQ(below.range, (PortRange{15000, 49999}));
    const Verdict again = decide_connect(planned(), clamped, tcp.with_clamp(), 20000);
    EXPECT_EQ(what(again), "set_range") << "the clamp of an earlier destination holds the port";
    EXPECT_EQ(again.range, (PortRange{20001, 60999}));
    const Config by_bind = planned("bind");
    const Verdict searched = decide_connect(by_bind, plan_outgoing(by_bind, host("10000-60999")), tcp, 20000);
    EXPECT_EQ(what(searched), "bind_range");
    EXPECT_EQ(searched.avoid, 20000);
}

TEST(PortToAvoid, CostsAHostThatKeepsTheSplitTheOptionOnlyWhereThereIsOne) {
    const HostPorts split = host("32768-60999");
    EXPECT_FALSE(plan_outgoing(planned(), split).divisible.empty());
    EXPECT_TRUE(plan_outgoing(planned(), split, false).divisible.empty());
    EXPECT_TRUE(plan_outgoing(planned("bind"), split).divisible.empty());
    EXPECT_TRUE(plan_outgoing(planned("off"), split).divisible.empty());
}

} // namespace
} // namespace portguard
