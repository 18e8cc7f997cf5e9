// UDP: kept in its range from its creation, since sendto chooses a port as connect does.
#include <gtest/gtest.h>

#include "core/making.h"
#include "core/policy.h"

namespace portguard {
namespace {

using test::configured;
using test::host;
using test::what;
using test::facts::tcp;
using test::facts::udp;

Config planned(std::string_view ephemeral = "15000-65000") {
    return configured({{"listen", "5000-14999"}, {"ephemeral", ephemeral}});
}

Verdict created(const Config& config, std::string_view host_range, SocketFacts facts = udp) {
    return decide_socket(config, plan_outgoing(config, host(host_range)), facts);
}

TEST(DecideSocket, ClampsUdpWhenItIsCreated) {
    const Verdict verdict = created(planned(), "10000-60999");
    EXPECT_EQ(what(verdict), "set_range");
    EXPECT_EQ(verdict.range, (PortRange{15000, 60999}));
    EXPECT_EQ(what(verdict.next), "udp clamped");
}

TEST(DecideSocket, LeavesTcpForConnect) {
    for (const Protocol protocol : {Protocol::tcp, Protocol::mptcp, Protocol::other}) {
        EXPECT_EQ(what(created(planned(), "10000-60999", SocketFacts::of(protocol))), "pass");
    }
}

TEST(DecideSocket, LeavesUdpWhereTheHostKeepsTheWholePlan) {
    EXPECT_EQ(what(created(planned(), "32768-60999")), "pass");
    EXPECT_EQ(what(created({}, "32768-60999")), "pass");
}

TEST(DecideSocket, NeverBindsUdpWhenItIsCreated) {
    EXPECT_EQ(what(created(planned(), "10000-14000")), "pass");
}

TEST(DecideSocket, ClampsUdpToFourThousandAndNinetySixPortsOrMore) {
    EXPECT_EQ(what(created(planned("15000-19095"), "10000-60999")), "set_range");
    EXPECT_EQ(what(created(planned("15000-19094"), "10000-60999")), "pass");
}

TEST(DecideSocket, ObserveAndOffChangeNothing) {
    for (const Mode mode : {Mode::observe, Mode::off}) {
        Config config = planned();
        config.mode = mode;
        EXPECT_EQ(what(created(config, "10000-60999")), "pass");
    }
}

TEST(UdpConnect, ClampsASocketThatWasNotSeenAtItsCreation) {
    const OutgoingPlan plan = plan_outgoing(planned(), host("10000-60999"));
    EXPECT_EQ(what(decide_connect(planned(), plan, udp)), "set_range");
    EXPECT_EQ(what(decide_connect(planned(), plan, udp.with_clamp())), "pass");
}

TEST(UdpConnect, TakesTheClampAwayOnceTheProgramHasSetReuseaddr) {
    const OutgoingPlan plan = plan_outgoing(planned(), host("10000-60999"));
    const SocketFacts shared = udp.with_clamp().with_chosen_reuseaddr();
    const Verdict verdict = decide_connect(planned(), plan, shared);
    EXPECT_EQ(what(verdict), "set_range");
    EXPECT_TRUE(verdict.range.empty());
    EXPECT_EQ(what(verdict.next), "udp chose_reuseaddr");
    EXPECT_EQ(what(decide_connect(planned(), plan, verdict.next)), "pass");
}

TEST(UdpConnect, GetsNoCourtesy) {
    EXPECT_EQ(what(decide_connect({}, plan_outgoing({}, host("32768-60999")), udp)), "pass");
}

/// connect to a port of this host, which a connection would meet itself on (K15).
Verdict connected(const Config& config, std::string_view host_range, SocketFacts facts, std::uint16_t avoid) {
    return decide_connect(config, plan_outgoing(config, host(host_range)), facts, avoid);
}

TEST(SelfConnect, LeavesTheDestinationOutOfTheClamp) {
    EXPECT_EQ(connected(planned(), "10000-60999", tcp, 20000).range, (PortRange{20001, 60999}));
    EXPECT_EQ(connected(planned(), "10000-60999", tcp, 14000).range, (PortRange{15000, 60999}));
    EXPECT_EQ(connected(planned(), "10000-60999", tcp.with_clamp(), 20000).range, (PortRange{20001, 60999}));
    EXPECT_EQ(what(connected(planned(), "10000-60999", tcp.with_clamp(), 14000)), "pass");
}

TEST(SelfConnect, LeavesTheDestinationOutOfTheHostsOwnRange) {
    const Verdict verdict = connected(planned(), "32768-60999", tcp, 40000);
    EXPECT_EQ(what(verdict), "set_range");
    EXPECT_EQ(verdict.range, (PortRange{40001, 60999}));
    EXPECT_EQ(what(verdict.next), "tcp clamped");
    EXPECT_EQ(what(connected(planned(), "32768-60999", tcp, 20000)), "pass");
}

TEST(SelfConnect, HasTheOtherHalfWhereTheLargerIsFull) {
    EXPECT_EQ(connected(planned(), "10000-60999", tcp, 20000).other_range, (PortRange{15000, 19999}));
    EXPECT_EQ(connected(planned(), "32768-60999", tcp, 40000).other_range, (PortRange{32768, 39999}));
    EXPECT_TRUE(connected(planned(), "10000-60999", tcp, 14000).other_range.empty());
    EXPECT_TRUE(connected(planned(), "10000-60999", tcp, 0).other_range.empty());
}

TEST(SelfConnect, LeavesTheDestinationOutOfTheBind) {
    const Verdict verdict = connected(planned(), "10000-14000", tcp, 20000);
    EXPECT_EQ(what(verdict), "bind_range");
    EXPECT_EQ(verdict.avoid, 20000);
}

TEST(SelfConnect, ChangesNoRangeOfTheProgramsOwnAndNoUdp) {
    EXPECT_EQ(what(connected(planned(), "32768-60999", tcp.with_chosen_range(), 40000)), "pass");
    EXPECT_EQ(what(connected(planned(), "32768-60999", udp, 40000)), "pass");
}

} // namespace
} // namespace portguard
