// Who is given SO_REUSEADDR in listen, and who is not: design 3.2.
#include <gtest/gtest.h>

#include "preload/play.h"
#include "support/kernel_features.h"
#include "support/private_net.h"

namespace portguard::test {
namespace {

class Listen : public PrivateNetTest {};

TEST_F(Listen, gives_reuseaddr_to_a_fixed_port_and_no_earlier) {
    const Played played =
        play("a = tcp4; get a reuseaddr; bind a *:10000; get a reuseaddr; listen a; get a reuseaddr", plan);
    EXPECT_EQ(played.said("get a", 0), "0");
    EXPECT_EQ(played.said("get a", 1), "0");
    EXPECT_EQ(played.said("get a", 2), "1");
}

TEST_F(Listen, gives_reuseaddr_without_a_plan_too) {
    EXPECT_EQ(play("a = tcp6; bind a [*]:10000; listen a; get a reuseaddr").said("get a"), "1");
}

TEST_F(Listen, accepted_sockets_inherit_it) {
    EXPECT_EQ(play(connected_pair(10000) + "get s reuseaddr", plan).said("get s"), "1");
}

TEST_F(Listen, leaves_a_value_that_the_program_chose) {
    EXPECT_EQ(
        play("a = tcp4; set a reuseaddr 0; bind a *:10000; listen a; get a reuseaddr", plan).said("get a"),
        "0");
    EXPECT_EQ(
        play("a = tcp4; bind a *:10000; set a reuseaddr 0; listen a; get a reuseaddr", plan).said("get a"),
        "0");
}

TEST_F(Listen, reuseaddr_off_gives_it_to_nobody) {
    const Played played =
        play("a = tcp4; bind a *:10000; listen a; get a reuseaddr; c = tcp4; connect c @a; get c "
             "reuseaddr; b = tcp4; bind b *:10000",
             {"PORTGUARD_REUSEADDR=off"});
    EXPECT_EQ(played.said("get a"), "0");
    EXPECT_EQ(played.said("get c"), "0");
    EXPECT_EQ(played.said("bind b"), "EADDRINUSE");
}

TEST_F(Listen, reuseaddr_listeners_gives_it_to_listeners_alone) {
    const Played played =
        play("a = tcp4; bind a *:10000; listen a; get a reuseaddr; c = tcp4; connect c @a; get c reuseaddr",
             {"PORTGUARD_REUSEADDR=listeners"});
    EXPECT_EQ(played.said("get a"), "1");
    EXPECT_EQ(played.said("get c"), "0");
}

TEST_F(Listen, a_listen_that_fails_puts_the_flag_back) {
    // Both are bound with the flag, as two programs that set it; the second one has it from a dup unseen.
    const Played played =
        play("a = tcp4; set a reuseaddr 1; bind a *:10000; b = tcp4; set b reuseaddr 1; bind b *:10000; "
             "listen a; listen b; get b reuseaddr; u = udp4; bind u *:10001; listen u; get u reuseaddr",
             plan);
    EXPECT_EQ(played.said("listen b"), "EADDRINUSE");
    EXPECT_EQ(played.said("get b"), "1") << "that was the program's own";
    EXPECT_EQ(played.said("listen u"), "EOPNOTSUPP");
    EXPECT_EQ(played.said("get u"), "0");
    EXPECT_NE(played.result.err.find("listen tcp 0.0.0.0:10000: in use (EADDRINUSE)"), std::string::npos)
        << played.result;
}

TEST_F(Listen, the_flag_of_a_duplicate_survives_a_listen_that_fails) {
    const Played played = play("a = tcp4; set a reuseaddr 1; bind a *:10000; b = tcp4; set b reuseaddr 1; d "
                               "= dup b; bind d *:10000; "
                               "listen a; listen d; get d reuseaddr",
                               plan);
    EXPECT_EQ(played.said("listen d"), "EADDRINUSE");
    EXPECT_EQ(played.said("get d"), "1");
}

TEST_F(Listen, a_second_listen_on_a_listener_leaves_it_marked) {
    EXPECT_EQ(play("a = tcp4; bind a *:10000; listen a; listen a 4; get a reuseaddr", plan).said("get a"),
              "1");
}

TEST_F(Listen, mptcp_listeners_are_given_it_as_well) {
    PORTGUARD_NEEDS_MPTCP();
    EXPECT_EQ(play("a = mptcp4; bind a *:10000; listen a; get a reuseaddr", plan).said("get a"), "1");
}

TEST_F(Listen, a_fixed_port_in_the_range_of_connections_is_told_without_a_plan) {
    set_ephemeral_range(10000, 20000);
    const Played played = play("a = tcp4; bind a *:10000; listen a; b = tcp4; bind b *:9999; listen b");
    EXPECT_EQ(count_of(played.result.err, "inside the ephemeral range"), 1U) << played.result;
    EXPECT_NE(played.result.err.find(":10000: inside"), std::string::npos) << played.result;
}

TEST_F(Listen, the_one_line_form_names_the_port_as_well) {
    set_ephemeral_range(10000, 20000);
    const Played played = play("a = tcp4; bind a *:10000; listen a; b = tcp6; bind b [::1]:10001; listen b",
                               {"PORTGUARD_DIAGNOSIS=line"});
    EXPECT_NE(played.result.err.find("listen tcp 0.0.0.0:10000: inside"), std::string::npos) << played.result;
    EXPECT_NE(played.result.err.find("listen tcp [::1]:10001: inside"), std::string::npos) << played.result;
}

TEST_F(Listen, a_reserved_port_in_the_range_of_connections_is_not_told) {
    set_ephemeral_range(10000, 20000);
    set_sysctl("ipv4/ip_local_reserved_ports", "10000");
    for (const char* diagnosis : {"PORTGUARD_DIAGNOSIS=full", "PORTGUARD_DIAGNOSIS=line"}) {
        const Played played =
            play("a = tcp4; bind a *:10000; listen a; b = tcp4; bind b *:10001; listen b", {diagnosis});
        EXPECT_EQ(count_of(played.result.err, ":10000: inside"), 0U) << played.result;
        EXPECT_EQ(count_of(played.result.err, ":10001: inside"), 1U) << played.result;
    }
}

} // namespace
} // namespace portguard::test
