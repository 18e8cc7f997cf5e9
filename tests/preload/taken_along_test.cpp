// Kernels that take a program along with a child that is killed, played by a shim that thinks this one is
// such (PORTGUARD_FIRST_KERNEL_THAT_SPARES).
#include <sys/syscall.h>

#include <gtest/gtest.h>

#include "preload/old_kernel.h"
#include "preload/play.h"
#include "support/kernel_features.h"
#include "support/private_net.h"

namespace portguard::test {
namespace {

class TakenAlong : public PrivateNetTest {
protected:
    void SetUp() override {
        PrivateNetTest::SetUp();
        if (is_sanitized && !IsSkipped()) {
            GTEST_SKIP() << "a sanitizer's run-time makes system calls of its own";
        }
    }
};

const std::string two_binds_in_use =
    "h = tcp4; bind h *:10001; listen h; n = tcp4; bind n *:10001; bind n *:10001";

Played play_filtered(const char* shim, const std::string& script, const std::function<void()>& filter) {
    return {run({.argv = {victim("socket_script"), script},
                 .environment = {"PORTGUARD_BUDGET_MS=10000"},
                 .shim = shim,
                 .before_exec = filter})};
}

TEST_F(TakenAlong, in_a_sandbox_the_child_has_its_own_memory_and_reports_once_in_full) {
    const Played played =
        play_filtered(PORTGUARD_OLD_KERNEL_SHIM, two_binds_in_use, forbid_children_that_share_memory);
    EXPECT_EQ(played.said("bind n", 0), "EADDRINUSE") << played.result;
    EXPECT_EQ(played.said("bind n", 1), "EADDRINUSE");
    EXPECT_EQ(count_of(played.result.err, "held by"), 1U)
        << "the second is like the first, which the program must know of\n"
        << played.result;
}

TEST_F(TakenAlong, in_a_sandbox_a_server_restarts_over_its_time_wait) {
    const Played played = play_filtered(
        PORTGUARD_OLD_KERNEL_SHIM,
        left_time_wait(10000) + "n = tcp4; bind n *:10000; get n reuseaddr; listen n; get n reuseaddr",
        forbid_children_that_share_memory);
    EXPECT_EQ(played.said("bind n"), "ok") << played.result;
    EXPECT_EQ(played.said("get n", 0), "0");
    EXPECT_TRUE(played.said("listen n").starts_with("ok")) << played.result;
    EXPECT_EQ(played.said("get n", 1), "1");
    EXPECT_NE(played.result.err.find("cured"), std::string::npos) << played.result;
}

TEST_F(TakenAlong, a_child_that_is_killed_costs_the_program_the_report_alone) {
    const Played played =
        play_filtered(PORTGUARD_OLD_KERNEL_SHIM, two_binds_in_use, [] { kill_for(SYS_close_range); });
    EXPECT_TRUE(played.result.exited_with(0)) << played.result;
    EXPECT_EQ(played.said("bind n", 0), "EADDRINUSE");
    EXPECT_NE(played.result.err.find("was killed by signal 31"), std::string::npos) << played.result;
}

TEST_F(TakenAlong, without_a_sandbox_and_on_this_kernel_the_child_shares_the_memory) {
    if (!kernel_is_at_least(5, 16)) {
        PORTGUARD_SKIP("before Linux 5.16 the child shares nothing where there is a filter");
    }
    const Played old = play_filtered(PORTGUARD_OLD_KERNEL_SHIM, two_binds_in_use, {});
    EXPECT_EQ(count_of(old.result.err, "held by"), 1U) << old.result;
    const Played refused = play_filtered("", two_binds_in_use, forbid_children_that_share_memory);
    EXPECT_NE(refused.result.err.find("clone said errno"), std::string::npos) << refused.result;
}

} // namespace
} // namespace portguard::test
