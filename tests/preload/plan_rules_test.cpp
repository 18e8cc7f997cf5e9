// What the plan refuses and what it lets pass: design 3.2, hazards H75 and H76.
#include <cerrno>
#include <string>

#include <gtest/gtest.h>

#include "preload/play.h"
#include "support/child.h"
#include "support/kernel_features.h"
#include "support/private_net.h"
#include "support/sockets.h"

namespace portguard::test {
namespace {

using PlanRules = PrivateNetTest;

TEST_F(PlanRules, a_refusal_gives_way_to_what_the_kernel_itself_would_have_said) {
    // 30000 lies outside listen and ephemeral.
    for (const char* script : {
             "a = tcp6; bind a 127.0.0.1:30000",
             "a = tcp4; bind a [::1]:30000",
             "a = tcp4; bind a 192.0.2.1:30000",
             "a = tcp6; bind a [2001:db8::1]:30000",
             "a = udp4; bind a 192.0.2.1:30000",
             "a = tcp6; set a v6only 1; bind a [::ffff:127.0.0.1]:30000",
             "a = tcp4; bind a *:10000; bind a *:30000",
             "a = tcp6; bind a [*]:10000; bind a [2001:db8::1]:30000",
             "a = tcp4; bind a *:10000; listen a; bind a *:30000",
             "a = tcp4; bind a 127.0.0.1:0; bind a *:30000",
             "a = udp4; bind a *:10000; bind a *:30000",
             "a = udp4; connect a 127.0.0.1:9; bind a *:30000",
             "l = tcp4; bind l *:10000; listen l; a = tcp4; connect a @l; bind a *:30000",
             "a = mptcp4; bind a *:10000; bind a *:30000",
         }) {
        const PrivateNet next;
        const std::string alone = play(script, {}, false).result.out;
        EXPECT_EQ(play(script, plan).result.out, alone) << script;
        EXPECT_NE(alone.find("-> E"), std::string::npos) << script << ": the kernel says nothing";
    }
}

TEST_F(PlanRules, a_port_that_the_socket_no_longer_has_does_not_count) {
    PORTGUARD_NEEDS_PORT_RANGE();
    // After the connect that fails getsockname still tells its port.
    const Played played = play("c = tcp4; connect c 127.0.0.1:9; bind c *:30000; bind c *:10000", plan);
    EXPECT_EQ(played.said("connect c"), "ECONNREFUSED");
    EXPECT_EQ(played.said("bind c *:30000"), "EACCES") << played.result;
    EXPECT_EQ(played.said("bind c *:10000"), "ok");
}

TEST_F(PlanRules, a_privileged_port_is_the_kernel_s_eacces_whatever_the_plan_would_say) {
    const Played played{
        run({.argv = {victim("socket_script"),
                      "u = udp4; bind u *:53; t = tcp4; bind t *:53; v = udp4; bind v *:30000"},
             .environment = plan_with({"PORTGUARD_DENY_ERRNO=EADDRINUSE"}),
             .before_exec = [] { become_user(65534); }})};
    EXPECT_EQ(played.said("bind u"), "EACCES") << played.result;
    EXPECT_EQ(played.said("bind t"), "EACCES");
    EXPECT_EQ(played.said("bind v"), "EADDRINUSE");
}

TEST_F(PlanRules, a_refused_bind_takes_no_port_from_anybody) {
    const Played played =
        play("a = tcp4; bind a *:30000; bind a *:10000; listen a; inside a 10000 10000", plan);
    EXPECT_EQ(played.said("bind a *:30000"), "EACCES");
    EXPECT_EQ(played.said("inside a"), "inside") << "the socket was left without one";
    const Fd free = tcp_socket();
    EXPECT_EQ(bind_to(free, wildcard(30000)), success);
}

TEST_F(PlanRules, H76_a_client_may_choose_its_source_port_inside_ephemeral) {
    const Played played =
        play("l = tcp4; bind l *:10000; listen l; c = tcp4; bind c 127.0.0.2:45000; connect c @l; "
             "d = tcp4; set d reuseaddr 1; bind d 127.0.0.2:45001; connect d @l; get d reuseaddr",
             plan);
    EXPECT_EQ(played.said("connect c"), "ok") << played.result;
    EXPECT_EQ(played.said("connect d"), "ok");
    EXPECT_EQ(played.said("get d"), "1");
    EXPECT_EQ(played.result.err, "");
}

TEST_F(PlanRules, H76_listening_there_is_refused_with_the_errno_of_a_refusal) {
    PORTGUARD_NEEDS_MPTCP();
    for (const char* kind : {"tcp4; bind a *:45000", "tcp6; bind a [*]:45000", "mptcp4; bind a *:45000"}) {
        const Played played = play(std::string("a = ") + kind + "; listen a; get a reuseaddr", plan);
        EXPECT_EQ(played.said("bind a"), "ok");
        EXPECT_EQ(played.said("listen a"), "EACCES") << played.result;
        EXPECT_EQ(played.said("get a"), "0");
        EXPECT_EQ(count_of(played.result.err, "refused (EACCES): outside listen=10000-19999"), 1U)
            << played.result;
        EXPECT_NE(played.result.err.find("listen "), std::string::npos) << played.result;
    }
    const Played played =
        play("a = tcp4; bind a *:45000; listen a", plan_with({"PORTGUARD_DENY_ERRNO=EADDRINUSE"}));
    EXPECT_EQ(played.said("listen a"), "EADDRINUSE");
}

TEST_F(PlanRules, H76_a_duplicate_is_refused_and_a_stale_number_is_not) {
    EXPECT_EQ(play("a = tcp4; d = dup a; bind d *:45000; listen d", plan).said("listen d"), "EACCES");
    const Played stale = play("a = tcp4; bind a *:45000; b = tcp4; bind b *:10000; dup2 b a; listen a", plan);
    EXPECT_EQ(stale.said("listen a"), "ok") << stale.result;
}

TEST_F(PlanRules, observe_lets_it_listen_and_says_what_enforce_would_have_done) {
    const Played played =
        play("a = tcp4; bind a *:45000; listen a; b = tcp4; bind b *:30000; b = tcp4; bind b *:0; "
             "listen b",
             plan_with({"PORTGUARD_MODE=observe"}));
    EXPECT_EQ(played.said("listen a"), "ok");
    EXPECT_EQ(count_of(played.result.err, "refused"), 2U) << played.result;
    EXPECT_NE(played.result.err.find("listen tcp 0.0.0.0:45000: refused"), std::string::npos)
        << played.result;
}

Played ask_twice(const Environment& environment) {
    return {run({.argv = {victim("flag_life"), "twice"}, .environment = environment})};
}

void expect_given_everywhere(const Environment& environment) {
    const Played played = ask_twice(environment);
    EXPECT_EQ(count_of(played.result.out, "-> ok"), 10U) << played.result;
    EXPECT_EQ(count_of(played.result.out, "\n"), 10U) << played.result;
    EXPECT_EQ(played.result.err, "");
}

TEST_F(PlanRules, H75_a_number_from_port_zero_is_given_again_on_the_other_family_protocol_or_after_a_close) {
    expect_given_everywhere(plan);
    for (const char* method : {"socket", "bind", "off"}) {
        set_ephemeral_range(10000, 60000);
        expect_given_everywhere(plan_with({(std::string("PORTGUARD_RANGE_METHOD=") + method).c_str()}));
    }
}

TEST_F(PlanRules, H75_it_is_not_warned_of_without_a_plan_nor_in_observe) {
    expect_given_everywhere({});
    expect_given_everywhere(plan_with({"PORTGUARD_MODE=observe"}));
}

TEST_F(PlanRules, H75_the_probe_that_binds_it_a_second_time_with_reuseport_passes) {
    const Played played =
        play("a = tcp4; set a reuseport 1; bind a 127.0.0.1:0; b = tcp4; set b reuseport 1; bind b "
             "@a; listen a; listen b",
             plan);
    EXPECT_EQ(count_of(played.result.out, "-> ok"), 8U) << played.result;
}

TEST_F(PlanRules, an_ephemeral_that_was_given_is_kept_where_listen_is_in_no_danger) {
    set_ephemeral_range(10000, 60000);
    set_sysctl("core/somaxconn", "4096");
    const Played played = play("l = tcp4; bind l *:1000; listen l 4096; many tcp4 300 l 40000 50000",
                               {"PORTGUARD_LISTEN=1000", "PORTGUARD_EPHEMERAL=40000-50000"});
    EXPECT_EQ(played.said("many"), "300 inside") << played.result;
}

TEST_F(PlanRules, connections_to_a_port_of_their_own_range_take_both_of_its_halves) {
    set_ephemeral_range(40000, 40199);
    const Fd listening = tcp_socket();
    ASSERT_EQ(bind_to(listening, wildcard(40100)), success);
    ASSERT_EQ(listen_on(listening, 500), success);
    const Finished result =
        run({.argv = {victim("outgoing_many"), "fill", "127.0.0.1", "40100", "1", "40000", "40199"},
             .environment = {"PORTGUARD_LISTEN=10000-19999", "PORTGUARD_DIAGNOSIS=line"}});
    EXPECT_EQ(result.out,
              "connected 199 on 199 ports, 0 outside, ended by EADDRNOTAVAIL, 0 stray descriptors\n")
        << result;
}

} // namespace
} // namespace portguard::test
