// How long SO_REUSEADDR of ours is there, and on which socket: design 3.2 to 3.4, hazards H53 to H55.
#include <cerrno>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>

#include "preload/play.h"
#include "support/fd.h"
#include "support/private_net.h"
#include "support/sockets.h"

namespace portguard::test {
namespace {

using FlagLife = PrivateNetTest;

Played flag_life(std::vector<std::string> arguments, const Environment& environment = {}) {
    arguments.insert(arguments.begin(), victim("flag_life"));
    return {run({.argv = arguments, .environment = environment})};
}

TEST_F(FlagLife, H53_after_a_cured_bind_nobody_else_binds_or_listens) {
    const Played played =
        play(left_time_wait(10000) + "n = tcp4; bind n *:10000; t = tcp4; set t reuseaddr 1; bind t *:10000; "
                                     "get n reuseaddr; listen n; bind t *:10000; get n reuseaddr");
    EXPECT_TRUE(played.said("bind n").starts_with("ok")) << played.result;
    EXPECT_EQ(played.said("bind t", 0), "EADDRINUSE");
    EXPECT_EQ(played.said("get n", 0), "0");
    EXPECT_TRUE(played.said("listen n").starts_with("ok")) << played.result;
    EXPECT_EQ(played.said("bind t", 1), "EADDRINUSE");
    EXPECT_EQ(played.said("get n", 1), "1");
}

TEST_F(FlagLife, H53_two_servers_that_race_for_a_port_never_bind_in_vain) {
    // Where one of them lacks the flag the kernel refuses one bind, and the guard must not change that.
    for (const char* other : {"0", "1"}) {
        const test::Run plain{.argv = {victim("flag_life"), "start_over", "10000", "20000", "0"}};
        test::Run second = plain;
        second.argv.back() = other;
        Background beside(second);
        const Played first{run(plain)};
        const Played finished{beside.finish()};
        for (const Played* played : {&first, &finished}) {
            EXPECT_EQ(played->said("bound but not listened"), "0") << other << played->result;
            EXPECT_EQ(played->said("listened"), "some");
        }
    }
}

TEST_F(FlagLife, H53_between_bind_and_listen_the_port_is_closed_to_others) {
    if (is_sanitized) {
        GTEST_SKIP() << "a sanitizer's run-time does not start under strace";
    }
    // The kernel enters listen half a second late, as where the process is preempted just before.
    Background server({.argv = {"/usr/bin/strace", "-o", "/dev/null", "-e",
                                "inject=listen:delay_enter=500000", "-E", "LD_PRELOAD=" + preload_value({}),
                                victim("socket_script"), "a = tcp4; bind a *:10000; listen a; wait"},
                       .with_shim = false});
    for (std::string line = "-"; !line.empty() && !line.starts_with("bind a"); line = server.read_line()) {
    }
    const Fd stranger = flagged(tcp_socket());
    for (int tries = 0; tries < 300; ++tries) {
        ASSERT_EQ(bind_to(stranger, wildcard(10000)), Outcome{EADDRINUSE}) << tries;
        ::poll(nullptr, 0, 1);
    }
    const Played played{server.finish()};
    EXPECT_EQ(played.said("listen a"), "ok") << played.result;
}

TEST_F(FlagLife, a_failed_listen_leaves_the_flag_as_it_was) {
    const Played played =
        play("a = tcp4; bind a *:10000; listen a; b = tcp4; set b reuseport 1; c = tcp4; bind c "
             "*:10001; connect c @a; listen c; get c reuseaddr");
    EXPECT_EQ(played.said("listen c"), "EINVAL") << played.result;
    EXPECT_EQ(played.said("get c"), "0");
}

/// The first SYN meets a full queue, and its repetition, a second later, nobody: a connection that fails
/// under way.
const std::string failing =
    "q = tcp4; bind q 127.0.0.1:10009; listen q 0; f = tcp4; connect f @q; s = tcp4; nonblock s; "
    "connect s @q; get s reuseaddr; close q; writable s; ";

TEST_F(FlagLife, a_connection_that_failed_under_way_loses_the_flag_at_the_next_connect) {
    const Played played = play(failing + "connect s 127.0.0.1:9; get s reuseaddr; listen s; get s reuseaddr");
    EXPECT_EQ(played.said("connect s", 0), "EINPROGRESS");
    EXPECT_EQ(played.said("get s", 0), "1");
    EXPECT_EQ(played.said("writable s"), "ECONNREFUSED");
    EXPECT_EQ(played.said("connect s 127"), "ECONNABORTED") << played.result;
    EXPECT_EQ(played.said("get s", 1), "0");
    EXPECT_EQ(played.said("listen s"), "ok");
    EXPECT_EQ(played.said("get s", 2), "0") << "H28";
}

TEST_F(FlagLife, one_that_failed_at_once_is_left_with_none_either) {
    EXPECT_EQ(play("s = tcp4; connect s 127.0.0.1:9; get s reuseaddr").said("get s"), "0");
    const Played played = play(
        "s = tcp4; nonblock s; connect s 127.0.0.1:9; writable s; connect s 127.0.0.1:9; get s reuseaddr");
    EXPECT_EQ(played.said("connect s"), "EINPROGRESS");
    EXPECT_EQ(played.said("writable s"), "ECONNREFUSED");
    EXPECT_EQ(played.said("get s"), "0") << played.result;
}

TEST_F(FlagLife, it_loses_the_flag_before_a_bind_which_then_shares_no_port) {
    const Played played = play("o = tcp4; set o reuseaddr 1; bind o 127.0.0.1:10000; " + failing +
                               "bind s 127.0.0.1:10000; get s reuseaddr; listen o");
    EXPECT_EQ(played.said("bind s"), "EADDRINUSE") << played.result;
    EXPECT_EQ(played.said("get s", 1), "0");
    EXPECT_EQ(played.said("listen o"), "ok");
}

TEST_F(FlagLife, it_loses_the_flag_before_a_bind_of_the_plan_as_well) {
    // By the method off, courtesy is what is left of a plan.
    const Environment courteous{"PORTGUARD_LISTEN=10000-19999,32768-60999", "PORTGUARD_RANGE_METHOD=off"};
    const Played played = play("o = tcp4; set o reuseaddr 1; bind o 127.0.0.1:10000; " + failing +
                                   "bind s 127.0.0.1:10000; get s reuseaddr",
                               courteous);
    EXPECT_EQ(played.said("get s", 0), "1") << played.result;
    EXPECT_EQ(played.said("bind s"), "EADDRINUSE") << played.result;
    EXPECT_EQ(played.said("get s", 1), "0");
}

TEST_F(FlagLife, a_connection_that_is_there_keeps_it_through_calls_that_fail) {
    const Played played =
        play(connected_pair(10000) + "connect c @l; get c reuseaddr; bind c *:10001; echo c s");
    EXPECT_EQ(played.said("connect c", 1), "EISCONN");
    EXPECT_EQ(played.said("get c"), "1");
    EXPECT_EQ(played.said("echo c"), "ok");
}

TEST_F(FlagLife, a_port_that_was_bound_through_a_duplicate_is_given_no_flag) {
    const Played played =
        play("l = tcp4; bind l *:10001; listen l; s = tcp4; d = dup s; bind d 127.0.0.1:10000; "
             "connect s @l; get s reuseaddr");
    EXPECT_EQ(played.said("connect s"), "ok") << played.result;
    EXPECT_EQ(played.said("get s"), "0");
}

TEST_F(FlagLife, H54_a_socket_that_dup2_put_there_is_never_taken_for_the_one_before) {
    const Played played =
        play("t = tcp4; u = udp4; bind u 127.0.0.1:10000; dup2 u t; connect t 127.0.0.1:9; get t reuseaddr");
    EXPECT_EQ(played.said("get t"), "0") << played.result;
}

TEST_F(FlagLife, H54_nor_is_one_that_came_there_unseen) {
    EXPECT_EQ(flag_life({"put_udp_under_tcp", "10000"}).said("flag"), "0");
    const Played server = flag_life({"give_away_to_a_server", "10000"});
    EXPECT_EQ(server.said("listen"), "ok") << server.result;
    EXPECT_EQ(server.said("flag before"), "1");
    EXPECT_EQ(server.said("flag", 1), "1") << "the program's own";
    const Played client = flag_life({"give_away_to_a_client", "9"});
    EXPECT_EQ(client.said("connect"), "ECONNREFUSED") << client.result;
    EXPECT_EQ(client.said("flag before"), "1");
    EXPECT_EQ(client.said("flag", 1), "1") << "the program's own";
}

TEST_F(FlagLife, H54_a_udp_bind_under_a_tcp_number_is_not_cured) {
    const Played played = play(left_time_wait(10000) +
                               "o = udp4; set o reuseaddr 1; bind o *:10000; t = tcp4; u = udp4; dup2 u t; "
                               "bind t *:10000; get t reuseaddr");
    EXPECT_EQ(played.said("bind t"), "EADDRINUSE") << played.result;
    EXPECT_EQ(played.said("get t"), "0");
}

TEST_F(FlagLife, H55_a_number_that_changes_hands_while_connect_blocks_gets_no_flag) {
    const Played played = flag_life({"close_while_connecting", "10000"});
    EXPECT_EQ(played.said("same number"), "yes") << played.result;
    EXPECT_EQ(played.said("connect"), "ok") << played.result;
    EXPECT_EQ(played.said("flag"), "0");
}

} // namespace
} // namespace portguard::test
