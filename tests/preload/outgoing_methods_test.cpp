// Design 3.4 by each of its methods: whichever way a port comes about, it is none of `listen`.
#include <string>

#include <gtest/gtest.h>

#include "preload/old_kernel.h"
#include "preload/play.h"
#include "support/kernel_features.h"
#include "support/private_net.h"

namespace portguard::test {
namespace {

const std::string listeners =
    "l = tcp4; bind l *:10000; listen l 4096; k = tcp6; bind k [*]:10001; listen k 4096; ";
/// Where the plan below wants every port that a program did not choose.
const std::string range = " 40000 50000; ";

/// The kernel's range covers `listen`, and more than half of what it gives first lies there.
class ByMethod : public PrivateNetTest, public testing::WithParamInterface<std::string> {
protected:
    void SetUp() override {
        PrivateNetTest::SetUp();
        if (!IsSkipped() && !HasFatalFailure()) {
            set_ephemeral_range(10000, 60000);
            set_sysctl("core/somaxconn", "8192");
        }
    }

    static Environment planned() { return plan_with({("PORTGUARD_RANGE_METHOD=" + GetParam()).c_str()}); }

    /// All of the script's "inside" came out so, and none of its calls failed.
    static void expect_inside(const std::string& script, std::size_t times) {
        const Played played = play(listeners + script, planned());
        EXPECT_EQ(count_of(played.result.out, "-> inside"), times) << played.result;
        EXPECT_EQ(count_of(played.result.out, "-> outside"), 0U) << played.result;
        EXPECT_EQ(count_of(played.result.out, "-> E"), 0U) << played.result;
        EXPECT_EQ(played.result.err, "");
    }
};

std::string repeated(const std::string& script, int times) {
    std::string all;
    for (int index = 0; index < times; ++index) {
        all += script;
    }
    return all;
}

TEST_P(ByMethod, tcp_mptcp_ipv6_and_v4_mapped_connections_stay_in_range) {
    const Played played = play(listeners + "many tcp4 300 l 40000 50000; many mptcp4 100 l 40000 50000; "
                                           "many tcp6 300 k 40000 50000; many mptcp6 100 k 40000 50000",
                               planned());
    EXPECT_EQ(played.said("many tcp4"), "300 inside") << played.result;
    EXPECT_EQ(played.said("many mptcp4"), "100 inside") << played.result;
    EXPECT_EQ(played.said("many tcp6"), "300 inside") << played.result;
    EXPECT_EQ(played.said("many mptcp6"), "100 inside") << played.result;
    expect_inside(repeated("c = tcp6; connect c [::ffff:127.0.0.1]:10000; inside c" + range, 50), 50);
}

TEST_P(ByMethod, a_connection_under_way_has_its_port_in_range_and_keeps_it) {
    const Played played = play(listeners + "c = tcp4; nonblock c; connect c @l; inside c" + range +
                                   "writable c; connect c @l; inside c" + range + "s = accept l; echo c s",
                               planned());
    EXPECT_EQ(played.said("connect c", 0), "EINPROGRESS") << played.result;
    EXPECT_EQ(played.said("connect c", 1), "ok");
    EXPECT_EQ(count_of(played.result.out, "-> inside"), 2U) << played.result;
    EXPECT_EQ(played.said("echo"), "ok");
}

TEST_P(ByMethod, a_socket_bound_to_an_address_alone_stays_in_range) {
    expect_inside(repeated("c = tcp4; bind c 127.0.0.1:0; inside c" + range + "connect c @l; inside c" +
                               range + "d = tcp6; bind d [::1]:0; inside d" + range +
                               "u = udp4; bind u *:0; inside u" + range,
                           20),
                  80);
}

TEST_P(ByMethod, a_socket_that_leaves_its_port_to_connect_gets_one_in_range_there) {
    expect_inside(
        repeated("c = tcp4; set c no_port 1; bind c 127.0.0.1:0; connect c @l; inside c" + range, 20), 20);
}

TEST_P(ByMethod, a_connection_that_waits_for_its_first_data_is_in_range) {
    expect_inside(repeated("c = tcp4; set c fastopen 1; connect c @l; inside c" + range, 20), 20);
}

TEST_P(ByMethod, listen_without_bind_stays_in_range) {
    expect_inside(
        repeated("a = tcp4; listen a; inside a" + range + "b = tcp6; listen b; inside b" + range, 20), 40);
}

TEST_P(ByMethod, udp_connect_and_a_second_one_stay_in_range) {
    expect_inside(repeated("u = udp4; connect u 127.0.0.1:10000; inside u" + range +
                               "connect u 127.0.0.2:10000; inside u" + range +
                               "connect u family:0:0; connect u 127.0.0.1:10000; inside u" + range +
                               "v = udp6; connect v [::1]:10000; inside v" + range,
                           20),
                  80);
}

TEST_P(ByMethod, a_duplicate_is_kept_in_range_like_its_original) {
    expect_inside(repeated("c = tcp4; d = dup c; connect d @l; inside d" + range, 20), 20);
}

TEST_P(ByMethod, the_program_s_own_choices_win) {
    const Played played =
        play(listeners + "c = tcp4; bind c *:10002; connect c @l; inside c 10002 10002; "
                         "d = tcp4; set d range 0xC350C350; connect d @l; inside d 50000 50000; "
                         "u = udp4; bind u *:10003; connect u 127.0.0.1:10000; "
                         "inside u 10003 10003; e = tcp4; set e reuseaddr 1; connect e @l; "
                         "get e reuseaddr; f = tcp4; set f reuseaddr 0; connect f @l; "
                         "get f reuseaddr",
             planned());
    EXPECT_EQ(count_of(played.result.out, "-> inside"), 3U) << played.result;
    EXPECT_EQ(played.said("get e"), "1");
    EXPECT_EQ(played.said("get f"), "0");
}

TEST_P(ByMethod, a_dissolved_or_never_made_connection_leaves_the_socket_as_it_would_be) {
    const Played played =
        play(listeners +
                 "c = tcp4; connect c family:0:0; bind c *:10002; listen c; "
                 "d = tcp4; connect d null; connect d unix:@x; bind d *:10003; connect d @l; "
                 "e = tcp4; connect e @l; connect e family:0:0; connect e @l; inside e" +
                 range,
             planned());
    EXPECT_EQ(played.said("bind c"), "ok") << played.result;
    EXPECT_EQ(played.said("listen c"), "ok");
    EXPECT_EQ(played.said("bind d"), "ok") << played.result;
    EXPECT_EQ(played.said("connect d", 2), "ok");
    EXPECT_EQ(count_of(played.result.out, "-> inside"), 1U) << played.result;
}

TEST_P(ByMethod, ports_given_under_the_program_s_flag_are_not_shared) {
    const std::string flagged = "c = tcp4; set c reuseaddr 1; bind c *:0; inside c 40000 40019; ";
    const Played played = play(repeated(flagged, 20) + "d = tcp4; set d reuseaddr 1; bind d *:0",
                               {"PORTGUARD_LISTEN=10000-19999", "PORTGUARD_EPHEMERAL=40000-40019",
                                "PORTGUARD_RANGE_METHOD=" + GetParam()});
    EXPECT_EQ(count_of(played.result.out, "-> inside"), 20U) << played.result;
    if (GetParam() == "bind") {
        EXPECT_EQ(played.said("bind d"), "EADDRINUSE");
    }
}

INSTANTIATE_TEST_SUITE_P(Methods, ByMethod, testing::Values("auto", "socket", "bind"),
                         [](const auto& method) { return method.param; });

using OutgoingMethods = PrivateNetTest;

TEST_F(OutgoingMethods, with_range_method_off_ports_of_listen_are_taken) {
    set_ephemeral_range(10000, 24000);
    set_sysctl("core/somaxconn", "8192");
    const Played played =
        play(listeners + "many tcp4 3000 l 10000 19999; c = tcp4; connect c @l; get c reuseaddr; "
                         "get c range",
             {"PORTGUARD_LISTEN=10000-19999", "PORTGUARD_RANGE_METHOD=off"});
    EXPECT_NE(played.said("many"), "0 inside");
    EXPECT_TRUE(played.said("many").ends_with(" inside")) << played.result;
    EXPECT_EQ(played.said("get c reuseaddr"), "1");
    EXPECT_EQ(played.said("get c range"), "0");
}

TEST_F(OutgoingMethods, a_kernel_without_the_option_is_searched_for_ports_from_the_first_call_on) {
    PORTGUARD_NEEDS_MPTCP();
    set_ephemeral_range(10000, 60000);
    for (const std::string first : {"c = tcp4; connect c @l; inside c", "c = tcp4; bind c *:0; inside c",
                                    "c = tcp6; listen c; inside c", "c = mptcp4; connect c @l; inside c"}) {
        const std::string again = "d = tcp4; connect d @l; inside d" + range +
                                  "u = udp4; connect u 127.0.0.1:10000; "
                                  "inside u" +
                                  range;
        const Played played{run({.argv = {victim("socket_script"), listeners + first + range + again},
                                 .environment = plan,
                                 .before_exec = pretend_an_old_kernel})};
        EXPECT_EQ(count_of(played.result.out, "-> inside"), 3U) << played.result;
        EXPECT_EQ(count_of(played.result.out, "-> E"), 0U) << played.result;
        EXPECT_EQ(played.result.err, "");
    }
}

TEST_F(OutgoingMethods, a_kernel_without_the_option_is_asked_for_it_once) {
    set_ephemeral_range(10000, 60000);
    const TemporaryFolder folder;
    const std::string trace = folder.file("trace");
    const Finished result = run({.argv = {"/usr/bin/strace", "-o", trace, "-e", "trace=setsockopt", "-E",
                                          "LD_PRELOAD=" + preload_value({}), victim("socket_script"),
                                          listeners + repeated("c = tcp4; connect c @l; u = udp4; ", 3)},
                                 .environment = plan,
                                 .with_shim = false,
                                 .before_exec = pretend_an_old_kernel});
    EXPECT_EQ(count_of(read_text(trace), "ENOPROTOOPT"), 1U) << read_text(trace) << result;
}

TEST_F(OutgoingMethods, udp_sends_stay_in_range_by_the_socket_s_range) {
    PORTGUARD_NEEDS_PORT_RANGE();
    set_ephemeral_range(10000, 60000);
    const Played played = play(repeated("u = udp4; sendto u 127.0.0.1:10000; inside u" + range +
                                            "v = udp6; sendto v [::1]:10000; inside v" + range +
                                            "w = udp6; sendto w [::ffff:127.0.0.1]:10000; inside w" + range,
                                        30),
                               plan);
    EXPECT_EQ(count_of(played.result.out, "-> inside"), 90U) << played.result;
}

TEST_F(OutgoingMethods, udp_is_left_alone_where_a_narrow_range_would_share_ports) {
    PORTGUARD_NEEDS_PORT_RANGE();
    set_ephemeral_range(10000, 60000);
    const Environment narrow{"PORTGUARD_LISTEN=10000-19999", "PORTGUARD_EPHEMERAL=40000-44094"};
    EXPECT_EQ(play("u = udp4; get u range", narrow).said("get u"), "0");
    const Environment enough{"PORTGUARD_LISTEN=10000-19999", "PORTGUARD_EPHEMERAL=40000-44095"};
    EXPECT_NE(play("u = udp4; get u range", enough).said("get u"), "0");
    const Played shared = play("u = udp4; set u reuseaddr 1; connect u 127.0.0.1:10000; get u range", enough);
    EXPECT_EQ(shared.said("get u"), "0") << shared.result;
}

TEST_F(OutgoingMethods, courtesy_lets_a_listener_start_over_a_live_connection_and_over_its_time_wait) {
    set_ephemeral_range(40000, 40000);
    const Environment courteous{"PORTGUARD_LISTEN=10000-19999,40000", "PORTGUARD_RANGE_METHOD=off"};
    Background b(
        {.argv = {victim("socket_script"),
                  "l = tcp4; bind l *:10000; listen l; c = tcp4; connect c @l; s = accept l; "
                  "inside c 40000 40000; wait; echo c s; echo s c; timewait c s; inside l 10000 10000; wait"},
         .environment = courteous});
    std::string line;
    for (int lines = 0; lines < 12 && line.find("-> inside") == std::string::npos; ++lines) {
        line = b.read_line();
    }
    const std::string c = "n = tcp4; bind n *:40000; listen n";
    const Played unguarded = play(c, {}, false);
    EXPECT_EQ(unguarded.said("bind n"), "EADDRINUSE") << "the story does not happen";
    const Played over_live = play(c, courteous);
    EXPECT_TRUE(over_live.said("listen n").starts_with("ok")) << over_live.result;
    b.send("\n");
    std::string echoes;
    for (line.clear(); line.find("timewait") == std::string::npos && echoes.size() < 2000; echoes += line) {
        line = b.read_line();
    }
    EXPECT_EQ(count_of(echoes, "echo c s -> ok") + count_of(echoes, "echo s c -> ok"), 2U) << echoes;
    EXPECT_NE(echoes.find("timewait c s -> ok"), std::string::npos) << echoes;
    const Played over_time_wait = play(c, courteous);
    EXPECT_TRUE(over_time_wait.said("listen n").starts_with("ok")) << over_time_wait.result;
    b.send("\n");
}

} // namespace
} // namespace portguard::test
