// bind of a unix socket, whose name may be taken: reported, and otherwise let alone.
#include <gtest/gtest.h>

#include "preload/play.h"
#include "support/private_net.h"

namespace portguard::test {
namespace {

class UnixBind : public PrivateNetTest {
protected:
    /// Abstract names are of a network namespace, which the test has to itself.
    static constexpr const char* taken =
        "a = unix; bind a unix:@taken; listen a; b = unix; bind b unix:@taken";
};

TEST_F(UnixBind, of_a_name_that_is_taken_is_reported_with_and_without_a_plan) {
    for (const Environment& environment : {Environment{}, plan, plan_with({"PORTGUARD_MODE=observe"})}) {
        const Played played = play(taken, environment);
        EXPECT_EQ(played.said("bind a"), "ok") << played.result;
        EXPECT_EQ(played.said("bind b"), "EADDRINUSE") << played.result;
        EXPECT_EQ(count_of(played.result.err, "bind unix @taken: in use (EADDRINUSE)"), 1U) << played.result;
    }
}

TEST_F(UnixBind, is_reported_in_one_line_where_lines_are_asked_for) {
    const Played played = play(taken, {"PORTGUARD_DIAGNOSIS=line"});
    EXPECT_EQ(count_of(played.result.err, "bind unix @taken: in use (EADDRINUSE)"), 1U) << played.result;
    EXPECT_EQ(count_of(played.result.err, "\n"), 1U) << played.result;
    const Played json = play(taken, {"PORTGUARD_DIAGNOSIS=line", "PORTGUARD_FORMAT=json"});
    EXPECT_EQ(count_of(json.result.err, R"("family":"unix","protocol":"unix","address":"@taken","port":0)"),
              1U)
        << json.result;
}

TEST_F(UnixBind, of_two_names_is_two_events) {
    const Played played =
        play(std::string(taken) + "; c = unix; bind c unix:@other; d = unix; bind d unix:@other",
             {"PORTGUARD_DIAGNOSIS=line"});
    EXPECT_EQ(count_of(played.result.err, "in use (EADDRINUSE)"), 2U) << played.result;
}

TEST_F(UnixBind, that_succeeds_is_silent_and_so_is_a_guard_that_is_off) {
    for (const Environment& environment : {Environment{}, plan}) {
        const Played played = play("a = unix; bind a unix:@free; listen a", environment);
        EXPECT_EQ(played.said("bind a"), "ok") << played.result;
        EXPECT_EQ(played.result.err, "");
    }
    EXPECT_EQ(play(taken, {"PORTGUARD_MODE=off"}).result.err, "");
}

} // namespace
} // namespace portguard::test
