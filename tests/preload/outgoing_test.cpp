// The outgoing side, design 3.4 steps 1, 2 and 4: no connection takes a port of `listen`.
#include <string>

#include <gtest/gtest.h>

#include "preload/play.h"
#include "support/kernel_features.h"
#include "support/private_net.h"

namespace portguard::test {
namespace {

class Outgoing : public PrivateNetTest {
protected:
    void SetUp() override {
        PrivateNetTest::SetUp();
        if (!IsSkipped() && !HasFatalFailure()) {
            set_ephemeral_range(10000, 60000);
            set_sysctl("core/somaxconn", "8192");
        }
    }
};

const std::string listener4 = "l = tcp4; bind l *:10000; listen l 8192; ";
const std::string listener6 = "l = tcp6; bind l [*]:10000; listen l 8192; ";

TEST_F(Outgoing, of_thousands_of_connections_none_takes_a_listen_port) {
    // More connections than half the ports that are free, so that left alone some would.
    set_ephemeral_range(10000, 24000);
    const Environment narrow{"PORTGUARD_LISTEN=10000-19999", "PORTGUARD_EPHEMERAL=20000-24000"};
    const Played four = play(listener4 + "many tcp4 3000 l 10000 19999", narrow);
    EXPECT_EQ(four.said("many"), "0 inside") << four.result;
    EXPECT_EQ(four.result.err, "");
    const PrivateNet next;
    set_ephemeral_range(10000, 24000);
    set_sysctl("core/somaxconn", "8192");
    const Played six = play(listener6 + "many tcp6 3000 l 10000 19999", narrow);
    EXPECT_EQ(six.said("many tcp6"), "0 inside") << six.result;
}

TEST_F(Outgoing, without_the_shim_many_of_them_do) {
    set_ephemeral_range(10000, 24000);
    const Played played = play(listener4 + "many tcp4 3000 l 10000 19999", {}, false);
    EXPECT_NE(played.said("many"), "0 inside");
    EXPECT_TRUE(played.said("many").ends_with(" inside")) << played.result;
}

TEST_F(Outgoing, they_are_clamped_to_ephemeral) {
    PORTGUARD_NEEDS_MPTCP();
    const Played played =
        play(listener4 + "many tcp4 300 l 40000 50000; many mptcp4 100 l 40000 50000", plan);
    EXPECT_EQ(played.said("many tcp4"), "300 inside") << played.result;
    EXPECT_EQ(played.said("many mptcp4"), "100 inside") << played.result;
}

TEST_F(Outgoing, without_ephemeral_they_take_the_largest_piece_that_is_no_listen_port) {
    const Played played = play(listener4 + "many tcp4 300 l 20000 60000", {"PORTGUARD_LISTEN=10000-19999"});
    EXPECT_EQ(played.said("many"), "300 inside") << played.result;
}

TEST_F(Outgoing, a_host_that_keeps_them_out_itself_is_left_to_it) {
    PORTGUARD_NEEDS_PORT_RANGE();
    set_ephemeral_range(40000, 45000);
    const Played played = play(listener4 + "c = tcp4; connect c @l; get c range; get c reuseaddr", plan);
    EXPECT_EQ(played.said("get c range"), "0");
    EXPECT_EQ(played.said("get c reuseaddr"), "0");
}

TEST_F(Outgoing, reserved_ports_count_as_kept_out) {
    PORTGUARD_NEEDS_PORT_RANGE();
    set_sysctl("ipv4/ip_local_reserved_ports", "10000-39999,50001-60000");
    const Played played = play(listener4 + "c = tcp4; connect c @l; get c range; inside c 40000 50000",
                               {"PORTGUARD_LISTEN=10000-19999"});
    EXPECT_EQ(played.said("get c range"), "0");
    EXPECT_EQ(played.said("inside c"), "inside");
}

TEST_F(Outgoing, a_range_of_the_program_s_own_is_respected) {
    PORTGUARD_NEEDS_PORT_RANGE();
    const Played played =
        play(listener4 + "c = tcp4; set c range 0x3A983A98; connect c @l; inside c 15000 15000; get c range",
             plan);
    EXPECT_EQ(played.said("inside c"), "inside");
    EXPECT_EQ(played.said("get c range"), std::to_string(0x3A983A98));
}

TEST_F(Outgoing, a_socket_with_a_port_is_left_alone) {
    PORTGUARD_NEEDS_PORT_RANGE();
    const Played played =
        play(listener4 + "c = tcp4; bind c *:10001; connect c @l; get c range; get c reuseaddr", plan);
    EXPECT_EQ(played.said("connect c"), "ok");
    EXPECT_EQ(played.said("get c range"), "0");
    EXPECT_EQ(played.said("get c reuseaddr"), "0");
}

TEST_F(Outgoing, a_connection_without_a_plan_is_given_courtesy_once_it_has_its_port) {
    const Played played =
        play("c = tcp4; connect c 127.0.0.1:9; get c reuseaddr; " + connected_pair(10000) +
             "get c reuseaddr; d = tcp6; connect d [::ffff:127.0.0.1]:10000; get d reuseaddr");
    EXPECT_EQ(played.said("connect c"), "ECONNREFUSED");
    EXPECT_EQ(played.said("get c", 0), "0") << "H29: never before the port is chosen";
    EXPECT_EQ(played.said("get c", 1), "1");
    EXPECT_EQ(played.said("get d"), "1");
}

TEST_F(Outgoing, courtesy_is_given_where_the_connection_is_under_way) {
    const Played played = play(
        listener4 +
        "c = tcp4; nonblock c; connect c @l; get c reuseaddr; writable c; connect c @l; get c reuseaddr");
    EXPECT_EQ(played.said("connect c"), "EINPROGRESS");
    EXPECT_EQ(played.said("get c", 0), "1");
    EXPECT_EQ(played.said("get c", 1), "1");
}

TEST_F(Outgoing, courtesy_is_taken_back_when_the_connection_is_dissolved) {
    const Played played =
        play(connected_pair(10000) + "get c reuseaddr; connect c family:0:0; get c reuseaddr");
    EXPECT_EQ(played.said("get c", 0), "1");
    EXPECT_EQ(played.said("get c", 1), "0");
}

TEST_F(Outgoing, a_flag_of_the_program_s_own_is_neither_given_nor_taken) {
    const Played set =
        play(listener4 + "c = tcp4; set c reuseaddr 1; connect c @l; connect c family:0:0; get c reuseaddr");
    EXPECT_EQ(set.said("get c"), "1");
    const Played cleared = play(
        "l = tcp4; bind l *:10001; listen l; c = tcp4; set c reuseaddr 0; connect c @l; get c reuseaddr");
    EXPECT_EQ(cleared.said("get c"), "0");
}

TEST_F(Outgoing, mptcp_and_udp_are_never_given_courtesy) {
    PORTGUARD_NEEDS_MPTCP();
    const Played played =
        play("l = mptcp4; bind l *:10000; listen l; c = mptcp4; connect c @l; get c reuseaddr; u = udp4; "
             "connect u 127.0.0.1:10000; get u reuseaddr");
    EXPECT_EQ(played.said("connect c"), "ok");
    EXPECT_EQ(played.said("get c"), "0");
    EXPECT_EQ(played.said("get u"), "0") << "H30";
}

TEST_F(Outgoing, a_plan_that_does_not_meet_the_host_s_range_is_searched_for_a_port) {
    PORTGUARD_NEEDS_PORT_RANGE();
    const Played played = play(listener4 + "many tcp4 100 l 62000 63000; c = tcp4; connect c @l; get c range",
                               {"PORTGUARD_LISTEN=10000-19999", "PORTGUARD_EPHEMERAL=62000-63000"});
    EXPECT_EQ(played.said("many"), "100 inside") << played.result;
    EXPECT_EQ(played.said("get c range"), "0");
}

TEST_F(Outgoing, H07_a_socket_of_another_kind_does_not_switch_the_clamp_off) {
    const Played played = play(
        listener4 + "t = tcp4; n = netlink; dup2 n t; connect t netlink; many tcp4 300 l 40000 50000", plan);
    EXPECT_EQ(played.said("connect t"), "ok") << played.result;
    EXPECT_EQ(played.said("many"), "300 inside");
}

TEST_F(Outgoing, H28_port_zero_never_gets_the_flag) {
    const Played played = play("a = tcp4; bind a *:0; get a reuseaddr; listen a; get a reuseaddr; b = tcp6; "
                               "listen b; get b reuseaddr",
                               plan);
    EXPECT_EQ(count_of(played.result.out, "reuseaddr -> 0"), 3U) << played.result;
}

TEST_F(Outgoing, exhaustion_is_told) {
    set_ephemeral_range(40000, 40003);
    const Played played = play(listener4 + "many tcp4 5 l 40000 40003", plan);
    EXPECT_EQ(played.said("many"), "connect failed after 4: EADDRNOTAVAIL");
    EXPECT_NE(played.result.err.find("no port left (EADDRNOTAVAIL)"), std::string::npos) << played.result;
}

} // namespace
} // namespace portguard::test
