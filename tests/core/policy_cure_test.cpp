#include <gtest/gtest.h>

#include "core/making.h"
#include "core/policy.h"

namespace portguard {
namespace {

using test::configured;
using test::facts::tcp;

TEST(MayTryCure, ForTcpAndMptcp) {
    EXPECT_TRUE(may_try_cure({}, tcp));
    EXPECT_TRUE(may_try_cure({}, SocketFacts::of(Protocol::mptcp)));
    EXPECT_TRUE(may_try_cure(configured({{"reuseaddr", "listeners"}}), tcp));
    EXPECT_TRUE(may_try_cure(configured({{"listen", "80"}}), tcp));
}

TEST(MayTryCure, NeverForUdpOrOtherOrNeverSeenSockets) {
    for (const Protocol protocol : {Protocol::udp, Protocol::other, Protocol::unknown}) {
        EXPECT_FALSE(may_try_cure({}, SocketFacts::of(protocol)));
    }
}

TEST(MayTryCure, NotWhereTheProgramChoseItsOwnValue) {
    EXPECT_FALSE(may_try_cure({}, tcp.with_chosen_reuseaddr()));
}

TEST(MayTryCure, NotWithReuseaddrOff) {
    EXPECT_FALSE(may_try_cure(configured({{"reuseaddr", "off"}}), tcp));
}

TEST(MayTryCure, NotWhereNothingMayBeChanged) {
    for (const char* mode : {"observe", "off"}) {
        EXPECT_FALSE(may_try_cure(configured({{"mode", mode}}), tcp)) << mode;
    }
}

} // namespace
} // namespace portguard
