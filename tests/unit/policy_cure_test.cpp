#include <gtest/gtest.h>

#include "core/policy.h"
#include "unit/making.h"

namespace portguard {
namespace {

using test::configured;

constexpr SocketFacts tcp = SocketFacts::of(Protocol::tcp);
constexpr Target fixed_port{Family::ipv4, false, 80};

TEST(MayTryCure, ForTcpAndMptcpBoundToAnExplicitPort) {
    for (const Family family : {Family::ipv4, Family::ipv6}) {
        for (const std::uint16_t port : test::PortNumbers{1, 80, 65535}) {
            EXPECT_TRUE(may_try_cure({}, tcp, {family, false, port}));
            EXPECT_TRUE(may_try_cure({}, SocketFacts::of(Protocol::mptcp), {family, false, port}));
        }
    }
    EXPECT_TRUE(may_try_cure(configured({{"reuseaddr", "listeners"}}), tcp, fixed_port));
    EXPECT_TRUE(may_try_cure(configured({{"listen", "80"}}), tcp, fixed_port));
}

TEST(MayTryCure, NotForPortZeroOrWhatIsNoInternetAddress) {
    EXPECT_FALSE(may_try_cure({}, tcp, {Family::ipv4, false, 0}));
    EXPECT_FALSE(may_try_cure({}, tcp, {}));
}

TEST(MayTryCure, NeverForUdpOrOtherOrNeverSeenSockets) {
    for (const Protocol protocol : {Protocol::udp, Protocol::other, Protocol::unknown}) {
        EXPECT_FALSE(may_try_cure({}, SocketFacts::of(protocol), fixed_port));
    }
}

TEST(MayTryCure, NotWhereTheProgramChoseItsOwnValue) {
    EXPECT_FALSE(may_try_cure({}, tcp.with_chosen_reuseaddr(), fixed_port));
}

TEST(MayTryCure, NotWithReuseaddrOff) {
    EXPECT_FALSE(may_try_cure(configured({{"reuseaddr", "off"}}), tcp, fixed_port));
}

TEST(MayTryCure, NotWhereNothingMayBeChanged) {
    for (const char* mode : {"observe", "off"}) {
        EXPECT_FALSE(may_try_cure(configured({{"mode", mode}}), tcp, fixed_port)) << mode;
    }
}

} // namespace
} // namespace portguard
