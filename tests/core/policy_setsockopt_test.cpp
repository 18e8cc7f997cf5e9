#include <gtest/gtest.h>

#include "core/making.h"
#include "core/policy.h"

namespace portguard {
namespace {

using test::what;
using test::facts::tcp;

TEST(WatchedOption, IsReuseaddrAndThePortRangeAtTheirOwnLevels) {
    EXPECT_TRUE(is_watched_option(SOL_SOCKET, SO_REUSEADDR));
    EXPECT_TRUE(is_watched_option(SOL_IP, 51));
    EXPECT_FALSE(is_watched_option(SOL_IP, SO_REUSEADDR));
    EXPECT_FALSE(is_watched_option(SOL_SOCKET, 51));
    EXPECT_FALSE(is_watched_option(SOL_IPV6, 51));
    EXPECT_FALSE(is_watched_option(SOL_SOCKET, SO_REUSEPORT));
    EXPECT_FALSE(is_watched_option(SOL_IP, IP_BIND_ADDRESS_NO_PORT));
}

TEST(AfterSetsockopt, TheProgramsOwnChoiceIsRemembered) {
    EXPECT_EQ(what(facts_after_setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR)), "tcp chose_reuseaddr");
    EXPECT_EQ(what(facts_after_setsockopt(tcp, SOL_IP, ip_local_port_range)), "tcp chose_range");
    EXPECT_EQ(what(facts_after_setsockopt({}, SOL_SOCKET, SO_REUSEADDR)), "unknown chose_reuseaddr");
}

TEST(AfterSetsockopt, ARangeOfItsOwnEndsOurClamp) {
    EXPECT_EQ(what(facts_after_setsockopt(tcp.with_clamp(), SOL_IP, ip_local_port_range)), "tcp chose_range");
}

TEST(AfterSetsockopt, AFlagOfItsOwnEndsOurCourtesy) {
    EXPECT_EQ(what(facts_after_setsockopt(tcp.with_port(PortChoice::courteous), SOL_SOCKET, SO_REUSEADDR)),
              "tcp chose_reuseaddr");
}

TEST(AfterSetsockopt, BothChoicesAreKeptBesideThePort) {
    SocketFacts facts = tcp.with_port(PortChoice::program);
    facts = facts_after_setsockopt(facts, SOL_SOCKET, SO_REUSEADDR);
    facts = facts_after_setsockopt(facts, SOL_IP, ip_local_port_range);
    EXPECT_EQ(what(facts), "tcp program chose_reuseaddr chose_range");
}

} // namespace
} // namespace portguard
