// The cure on demand of design 3.2: ports held by the dead and by passers-by are free, all others are not.
#include <cstddef>
#include <string_view>

#include <sys/socket.h>
#include <sys/un.h>

#include <gtest/gtest.h>

#include "preload/play.h"
#include "support/fd.h"
#include "support/kernel_features.h"
#include "support/private_net.h"

namespace portguard::test {
namespace {

class Cure : public PrivateNetTest {};

TEST_F(Cure, a_server_restarts_over_its_own_time_wait) {
    const Played played =
        play(left_time_wait(10000) + "n = tcp4; bind n *:10000; get n reuseaddr; listen n; get n reuseaddr; "
                                     "d = tcp4; connect d @n; t = accept n; echo d t",
             plan);
    EXPECT_EQ(played.said("bind n"), "ok") << "errno included\n" << played.result;
    EXPECT_EQ(played.said("listen n"), "ok");
    EXPECT_EQ(played.said("get n", 0), "0") << "H53: until listen, the flag is an open door";
    EXPECT_TRUE(played.said("listen n").starts_with("ok")) << played.result;
    EXPECT_EQ(played.said("get n", 1), "1");
    EXPECT_EQ(played.said("echo d"), "ok");
    EXPECT_NE(played.result.err.find("cured"), std::string::npos) << played.result;
}

TEST_F(Cure, a_server_restarts_whatever_was_seen_last_under_its_number) {
    for (const char* before :
         {"u = udp4", "u = unix", "u = tcp6", "u = tcp4; set u reuseaddr 1", "u = raw4"}) {
        const PrivateNet next;
        // A duplicate is made, and a number given up, without a call that we see.
        const Played played = play(left_time_wait(10000) + "o = tcp4; " + before +
                                       "; vanish u; n = dup o; bind n *:10000; listen n; get n reuseaddr",
                                   plan);
        if (std::string_view(before).find("reuseaddr") != std::string_view::npos) {
            // What the program chose for the socket before may as well be its choice for this one.
            EXPECT_EQ(played.said("bind n"), "EADDRINUSE");
            continue;
        }
        EXPECT_EQ(played.said("bind n"), "ok") << before << played.result;
        EXPECT_EQ(played.said("listen n"), "ok") << before << played.result;
        EXPECT_EQ(played.said("get n"), "1");
    }
}

TEST_F(Cure, a_server_restarts_by_number_on_the_port_that_it_was_given_for_port_zero) {
    set_ephemeral_range(20000, 20001);
    const Played played =
        play("l = tcp4; set l reuseaddr 1; bind l *:0; listen l; c = tcp4; connect c @l; s = "
             "accept l; timewait s c; close l; n = tcp4; bind n *:20001; listen n");
    EXPECT_EQ(played.said("timewait"), "ok") << played.result;
    EXPECT_EQ(played.said("bind n"), "ok") << played.result;
    EXPECT_EQ(played.said("listen n"), "ok") << played.result;
}

TEST_F(Cure, the_same_restart_fails_without_the_shim) {
    EXPECT_EQ(play(left_time_wait(10000) + "n = tcp4; bind n *:10000", {}, false).said("bind n"),
              "EADDRINUSE");
}

TEST_F(Cure, a_listener_starts_over_a_live_outgoing_connection_which_lives_on) {
    const Played played = play(connected_pair(10000) + "n = tcp4; bind n @c; listen n; echo c s; echo s c");
    EXPECT_TRUE(played.said("bind n").starts_with("ok")) << played.result;
    EXPECT_TRUE(played.said("listen n").starts_with("ok")) << played.result;
    EXPECT_EQ(played.said("echo c"), "ok");
    EXPECT_EQ(played.said("echo s"), "ok");
}

TEST_F(Cure, mptcp_and_ipv6_servers_are_cured_too) {
    PORTGUARD_NEEDS_MPTCP();
    for (const char* server : {"n = tcp6; bind n [*]:10000", "n = mptcp4; bind n *:10000"}) {
        const PrivateNet next;
        const Played played = play(left_time_wait(10000) + server + "; listen n");
        EXPECT_TRUE(played.said("listen n").starts_with("ok")) << played.result;
    }
}

TEST_F(Cure, time_wait_of_a_run_without_the_flag_stays_refused_and_the_socket_is_as_it_was) {
    ASSERT_EQ(play(left_time_wait(10000), {}, false).said("timewait s"), "ok");
    const Played played = play("n = tcp4; bind n *:10000; get n reuseaddr; bind n *:10001; listen n");
    EXPECT_EQ(played.said("bind n *:10000"), "EADDRINUSE");
    EXPECT_EQ(played.said("get n"), "0");
    EXPECT_EQ(played.said("listen n"), "ok");
}

TEST_F(Cure, a_program_that_chose_a_value_is_left_alone) {
    EXPECT_EQ(play(left_time_wait(10000) + "n = tcp4; set n reuseaddr 0; bind n *:10000").said("bind n"),
              "EADDRINUSE");
}

TEST_F(Cure, observe_and_reuseaddr_off_cure_nothing) {
    for (const char* option : {"PORTGUARD_MODE=observe", "PORTGUARD_REUSEADDR=off"}) {
        const Played played =
            play(left_time_wait(10000) + "n = tcp4; bind n *:10000; get n reuseaddr", {option});
        EXPECT_EQ(played.said("bind n"), "EADDRINUSE") << option;
        EXPECT_EQ(played.said("get n"), "0") << option;
        const PrivateNet next;
    }
}

TEST_F(Cure, it_does_not_depend_on_how_much_is_told) {
    for (const char* option : {"PORTGUARD_DIAGNOSIS=stack", "PORTGUARD_DIAGNOSIS=line",
                               "PORTGUARD_DIAGNOSIS=off", "PORTGUARD_LOG=none", "PORTGUARD_LEVEL=error"}) {
        const Played played =
            play(left_time_wait(10000) + "n = tcp4; bind n *:10000; get n reuseaddr; listen n", {option});
        EXPECT_EQ(played.said("bind n"), "ok") << option << '\n' << played.result;
        EXPECT_EQ(played.said("get n"), "0") << option;
        EXPECT_EQ(played.said("listen n"), "ok") << option;
        const PrivateNet next;
    }
}

TEST_F(Cure, a_bound_only_holder_beside_time_wait_is_a_real_conflict) {
    const Played played =
        play(left_time_wait(10000) + "x = tcp4; set x reuseaddr 1; bind x *:10000; n = tcp4; bind n "
                                     "*:10000; get n reuseaddr");
    EXPECT_EQ(played.said("bind x"), "ok");
    EXPECT_EQ(played.said("bind n"), "EADDRINUSE") << played.result;
    EXPECT_EQ(played.said("get n"), "0");
}

TEST_F(Cure, a_bound_only_holder_alone_is_a_real_conflict) {
    const Played played =
        play("x = tcp4; set x reuseaddr 1; bind x *:10000; n = tcp4; bind n *:10000; get n reuseaddr");
    EXPECT_EQ(played.said("bind n"), "EADDRINUSE");
    EXPECT_EQ(played.said("get n"), "0");
}

TEST_F(Cure, H27_a_listener_is_never_bound_over) {
    for (const char* where : {"*:10000", "127.0.0.1:10000", "127.0.0.2:10000"}) {
        const Played played =
            play(connected_pair(10000) + "n = tcp4; bind n " + where + "; get n reuseaddr; echo c s");
        EXPECT_EQ(played.said("bind n"), "EADDRINUSE") << where << '\n' << played.result;
        EXPECT_EQ(played.said("get n"), "0");
        EXPECT_EQ(played.said("echo c"), "ok");
        const PrivateNet next;
    }
}

TEST_F(Cure, of_two_that_race_never_both_bind_and_one_does) {
    const Finished result =
        run({.argv = {victim("cure_race"), "10000", "300"}, .environment = {"PORTGUARD_LOG=none"}});
    const Played played{result};
    EXPECT_TRUE(result.exited_with(0)) << result;
    EXPECT_EQ(played.said("both bound"), "0");
    EXPECT_EQ(played.said("tries"), "300");
    EXPECT_NE(played.said("one bound"), "0") << "the cure itself never worked";
}

TEST_F(Cure, a_lock_that_somebody_holds_leaves_things_as_they_are_without_the_guard) {
    const Fd lock(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    constexpr std::string_view name("\0portguard-cure-10000", 21);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, name.size());
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    ASSERT_EQ(::bind(lock.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
    const Played played = play(left_time_wait(10000) + "n = tcp4; bind n *:10000; get n reuseaddr");
    EXPECT_EQ(played.said("bind n"), "EADDRINUSE") << played.result;
    EXPECT_EQ(played.said("get n"), "0");
}

TEST_F(Cure, a_bind_beyond_the_descriptor_table_is_cured_as_well) {
    const Played played = play(left_time_wait(10000) + "m = tcp4; n = dup m; bind n *:10000; listen n");
    EXPECT_TRUE(played.said("listen n").starts_with("ok")) << played.result;
}

} // namespace
} // namespace portguard::test
