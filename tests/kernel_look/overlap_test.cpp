#include <gtest/gtest.h>

#include "kernel/overlap.h"
#include "kernel_look/holder_samples.h"

namespace portguard::test {
namespace {

struct OverlapCase {
    AskedAddress asked;
    DiagSocket holder;
    bool expected;
    const char* why;
};

TEST(Overlap, FollowsTheRuleOfTheKernel) {
    const OverlapCase cases[] = {
        {asked("127.0.0.1"), held("127.0.0.1"), true, "equal"},
        {asked("127.0.0.1"), held("127.0.0.2"), false, "two addresses"},
        {asked("0.0.0.0"), held("127.0.0.2"), true, "a wildcard asks"},
        {asked("127.0.0.1"), held("0.0.0.0"), true, "a wildcard holds"},
        {asked("127.0.0.1", 9999), held("0.0.0.0"), false, "another port"},
        {asked("::"), held("127.0.0.1"), true, "a dual wildcard asks"},
        {asked("::", 10000, true), held("127.0.0.1"), false, "V6ONLY asks"},
        {asked("127.0.0.1"), held("::"), true, "a dual wildcard holds"},
        {asked("127.0.0.1"), held("::", SocketState::listen, true), false, "V6ONLY holds"},
        {asked("::ffff:127.0.0.1"), held("127.0.0.1"), true, "v4-mapped is IPv4"},
        {asked("127.0.0.1"), held("::ffff:127.0.0.1"), true, "v4-mapped holds"},
        {asked("::ffff:127.0.0.1"), held("::1"), false, "v4-mapped against IPv6"},
        {asked("::1"), held("::"), true, "IPv6 wildcard holds"},
        {asked("::1"), held("::2"), false, "two IPv6 addresses"},
        {asked("::1"), held("0.0.0.0"), false, "an IPv4 wildcard does not hold IPv6"},
    };
    for (const OverlapCase& sample : cases) {
        EXPECT_EQ(overlaps(sample.asked, sample.holder), sample.expected) << sample.why;
    }
}

TEST(Overlap, EndsWhereBothAreBoundToDifferentInterfaces) {
    AskedAddress mine = asked("0.0.0.0");
    DiagSocket theirs = held("0.0.0.0");
    mine.device = 1;
    EXPECT_TRUE(overlaps(mine, theirs));
    theirs.device = 2;
    EXPECT_FALSE(overlaps(mine, theirs));
    theirs.device = 1;
    EXPECT_TRUE(overlaps(mine, theirs));
}

TEST(MayCure, NeedsSomebodyThatYieldsAndNobodyThatIsOnlyBound) {
    const DiagSocket dead = held("127.0.0.1", SocketState::time_wait);
    const DiagSocket live = held("127.0.0.1", SocketState::established);
    const DiagSocket bound = held("0.0.0.0", SocketState::bound);
    const DiagSocket elsewhere = held("127.0.0.2", SocketState::time_wait);
    const AskedAddress mine = asked("127.0.0.1");
    EXPECT_FALSE(may_cure(mine, {}));
    EXPECT_TRUE(may_cure(mine, std::vector{dead}));
    EXPECT_TRUE(may_cure(mine, std::vector{live, dead}));
    EXPECT_FALSE(may_cure(mine, std::vector{dead, bound}));
    EXPECT_FALSE(may_cure(mine, std::vector{elsewhere}));
    EXPECT_TRUE(may_cure(mine, std::vector{dead, held("127.0.0.2", SocketState::bound)}));
}

TEST(MayCure, CountsThePortguardHoldAsReadyToShare) {
    DiagSocket hold = held("0.0.0.0", SocketState::bound);
    hold.tos = hold_tos;
    const DiagSocket dead = held("127.0.0.1", SocketState::time_wait);
    EXPECT_TRUE(may_cure(asked("127.0.0.1"), std::vector{dead, hold}));
    EXPECT_TRUE(may_cure(asked("127.0.0.1"), std::vector{hold}));
    EXPECT_FALSE(may_cure(asked("127.0.0.1"), std::vector{hold, held("0.0.0.0", SocketState::bound)}));
}

} // namespace
} // namespace portguard::test
