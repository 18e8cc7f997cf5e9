// Faults on purpose: the option `inject`.
#include <gtest/gtest.h>

#include "preload/play.h"
#include "support/private_net.h"

namespace portguard::test {
namespace {

class Inject : public PrivateNetTest {};

TEST_F(Inject, fails_the_calls_it_is_told_to_and_no_other) {
    const Played played = play("a = tcp4; bind a *:10000; bind a *:10000; listen a; b = tcp4; bind b *:10001",
                               {"PORTGUARD_INJECT=bind:10000:EADDRINUSE:1"});
    EXPECT_EQ(played.said("bind a", 0), "EADDRINUSE");
    EXPECT_EQ(played.said("bind a", 1), "ok");
    EXPECT_EQ(played.said("listen a"), "ok");
    EXPECT_EQ(played.said("bind b"), "ok");
}

TEST_F(Inject, falls_on_binds_inside_the_plan_too) {
    EXPECT_EQ(play("a = tcp4; bind a *:10000", plan_with({"PORTGUARD_INJECT=bind:*:EACCES"})).said("bind a"),
              "EACCES");
}

TEST_F(Inject, knows_the_port_that_listen_and_connect_are_about) {
    const Played played =
        play(connected_pair(10000) + "b = tcp4; bind b *:10001; listen b; listen b; d = tcp4; connect d @b",
             plan_with({"PORTGUARD_INJECT=listen:10001:EADDRINUSE:1,connect:10001:ECONNREFUSED"}));
    EXPECT_EQ(played.said("listen l"), "ok");
    EXPECT_EQ(played.said("connect c"), "ok");
    EXPECT_EQ(played.said("listen b", 0), "EADDRINUSE");
    EXPECT_EQ(played.said("listen b", 1), "ok");
    EXPECT_EQ(played.said("connect d"), "ECONNREFUSED");
}

TEST_F(Inject, is_told_as_what_it_is_and_never_cured) {
    const Played played = play(left_time_wait(10000) + "b = tcp4; bind b *:10000; get b reuseaddr",
                               {"PORTGUARD_REUSEADDR=off", "PORTGUARD_INJECT=bind:10000:EADDRINUSE:2"});
    EXPECT_EQ(played.said("bind b"), "EADDRINUSE");
    EXPECT_EQ(played.said("get b"), "0");
    EXPECT_NE(played.result.err.find(
                  "bind tcp 0.0.0.0:10000: injected (EADDRINUSE): inject=bind:10000:EADDRINUSE:2"),
              std::string::npos)
        << played.result;
    EXPECT_EQ(count_of(played.result.err, "in use"), 0U) << played.result;
}

TEST_F(Inject, works_in_observe_and_not_in_off) {
    const std::string script = "a = tcp4; bind a *:10000";
    const std::string rule = "PORTGUARD_INJECT=bind:*:EADDRINUSE";
    EXPECT_EQ(play(script, {rule, "PORTGUARD_MODE=observe"}).said("bind a"), "EADDRINUSE");
    EXPECT_EQ(play(script, {rule, "PORTGUARD_MODE=off"}).said("bind a"), "ok");
}

TEST_F(Inject, leaves_what_is_no_internet_socket_alone) {
    EXPECT_EQ(play("a = unix; bind a unix:inject", {"PORTGUARD_INJECT=bind:*:ENOMEM"}).said("bind a"), "ok");
}

TEST_F(Inject, a_bad_rule_is_one_sentence_and_the_program_runs_untouched) {
    const Played played = play("a = tcp4; bind a *:10000", {"PORTGUARD_INJECT=bind:80:EFOO"});
    EXPECT_EQ(played.said("bind a"), "ok");
    EXPECT_NE(played.result.err.find("inject=bind:80:EFOO (environment): 'EFOO' is not an errno"),
              std::string::npos)
        << played.result;
}

TEST_F(Inject, counts_in_each_process_by_itself) {
    const Finished result =
        run({.argv = {"/usr/bin/python3", "-c", R"(
import os, socket
def attempt(who):
    try:
        socket.socket().bind(("127.0.0.1", 10000))
        print(who, "ok", flush=True)
    except OSError as error:
        print(who, error.strerror, flush=True)
attempt("parent")
attempt("parent")
if os.fork() == 0:
    attempt("child")
    os._exit(0)
os.wait()
)"},
             .environment = {"PORTGUARD_INJECT=bind:10000:EADDRINUSE:1", "PORTGUARD_LOG=none"}});
    EXPECT_EQ(result.out, "parent Address already in use\nparent ok\nchild Address already in use\n")
        << result;
}

} // namespace
} // namespace portguard::test
