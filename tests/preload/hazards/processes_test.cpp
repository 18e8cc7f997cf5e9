// Hazards (rows.txt) about children and threads.
#include <gtest/gtest.h>

#include "preload/hazards/hazards.h"
#include "preload/old_kernel.h"

namespace portguard::test {
namespace {

/// Reports are made in full, and go where nobody looks: without any log there would be none.
Environment silent(const Environment& environment) {
    Environment all = environment;
    all.emplace_back("PORTGUARD_LOG=file:/proc/self/task/none");
    all.emplace_back("PORTGUARD_MAX_REPORTS=1000");
    return all;
}

TEST_F(Hazards, H04_H46_a_child_forked_while_another_thread_reports_can_report_at_once) {
    if (malloc_may_stay_locked_in_children) {
        GTEST_SKIP() << "ASan's malloc, unlike libc's, may stay locked in the child of a fork";
    }
    const Played played = provoke("fork_while_reporting", silent(plan));
    EXPECT_TRUE(played.result.exited_with(0)) << played.result;
    EXPECT_EQ(played.said("children"), "0");
}

TEST_F(Hazards, H05_H42_a_vfork_child_that_closes_and_fails_does_not_hurt_its_parent) {
    const Played played = provoke("vfork_child_closes");
    EXPECT_TRUE(played.result.exited_with(0)) << played.result;
    EXPECT_EQ(played.said("vfork child"), "0");
    EXPECT_EQ(played.said("listen after"), "ok");
    EXPECT_EQ(played.said("spawned"), "0");
    EXPECT_EQ(played.said("connect after"), "ok");
}

TEST_F(Hazards, H06_children_of_raw_clone_and_Fork_report_without_a_handler) {
    if (malloc_may_stay_locked_in_children) {
        GTEST_SKIP() << "ASan's malloc, unlike libc's, may stay locked in the child of a fork";
    }
    const Played played = provoke("children_without_handlers", silent(plan));
    EXPECT_TRUE(played.result.exited_with(0)) << played.result;
    EXPECT_EQ(played.said("children"), "0");
}

TEST_F(Hazards, H14_a_report_starts_no_thread) {
    const Played played = provoke("count_threads");
    EXPECT_EQ(played.said("bind in use"), "EADDRINUSE");
    if (!is_sanitized) {
        EXPECT_EQ(played.said("threads"), "1");
        EXPECT_EQ(played.said("unshare"), "ok");
    }
}

TEST_F(Hazards, H15_H16_exceptions_of_the_program_work_after_a_report) {
    const Played played = provoke("throw_after_report", silent(plan));
    EXPECT_TRUE(played.result.exited_with(0)) << played.result;
    EXPECT_EQ(played.said("caught"), "100");
    if (!is_sanitized) {
        EXPECT_EQ(played.said("unwinder"), "1");
    }
}

TEST_F(Hazards, H18_H40_a_sandbox_that_allows_the_program_s_own_calls_is_enough_for_ours) {
    if (is_sanitized) {
        GTEST_SKIP() << "a sanitizer's run-time makes system calls of its own";
    }
    set_ephemeral_range(10000, 60000);
    for (const Environment& environment : {plan, Environment{}}) {
        const Played played = provoke("run_in_seccomp_sandbox", environment);
        EXPECT_TRUE(played.result.exited_with(0)) << played.result;
        EXPECT_EQ(played.said("listens"), "1");
        EXPECT_EQ(played.said("connect"), "ok");
        EXPECT_EQ(played.said("listen "), "ok") << played.result;
        const PrivateNet next;
    }
}

TEST_F(Hazards, H18_H40_nor_does_it_close_before_the_kernel_turns_out_to_lack_the_port_range) {
    if (is_sanitized) {
        GTEST_SKIP() << "a sanitizer's run-time makes system calls of its own";
    }
    set_ephemeral_range(10000, 60000);
    const Played played{run({.argv = {victim("hazard"), "run_in_seccomp_sandbox"},
                             .environment = plan,
                             .before_exec = pretend_an_old_kernel})};
    EXPECT_TRUE(played.result.exited_with(0)) << played.result;
    EXPECT_EQ(played.said("connect"), "ok");
    EXPECT_EQ(played.said("listen "), "ok") << played.result;
}

TEST_F(Hazards, H26_threads_that_call_while_the_program_exits_do_not_change_its_status) {
    for (int round = 0; round < 10; ++round) {
        const Played played = provoke("threads_call_during_exit", silent(plan));
        ASSERT_TRUE(played.result.exited_with(7)) << played.result;
    }
}

TEST_F(Hazards, H26_sixteen_threads_get_the_right_answers) {
    set_ephemeral_range(10000, 60000);
    for (const Environment& environment :
         {silent({"PORTGUARD_LISTEN=10000-19999", "PORTGUARD_EPHEMERAL=30000-60000"}),
          silent({"PORTGUARD_LISTEN=10000-19999", "PORTGUARD_EPHEMERAL=62000-63000"})}) {
        const Played played = provoke("sixteen_threads", environment);
        EXPECT_TRUE(played.result.exited_with(0)) << played.result;
        EXPECT_EQ(played.said("wrong answers"), "0");
    }
}

TEST_F(Hazards, H39_few_pages_of_ours_are_copied_at_fork) {
    if (is_sanitized) {
        GTEST_SKIP() << "a sanitizer adds its own data to the object";
    }
    const Played played = provoke("measure_dirty_pages");
    EXPECT_EQ(played.said("child"), "0");
    EXPECT_LE(std::stoi(played.said("kilobytes")), 64) << played.result;
    EXPECT_GT(std::stoi(played.said("kilobytes")), 0) << "the object's pages were not found";
}

TEST_F(Hazards, H43_a_raw_clone_thread_without_TLS_is_served) {
    if (is_sanitized) {
        GTEST_SKIP() << "instrumented code needs TLS itself";
    }
    for (const Environment& environment : {plan, Environment{}}) {
        const Played played = provoke("clone_without_tls", environment);
        EXPECT_EQ(played.said("child"), "0") << played.result;
        EXPECT_EQ(played.said("calls that failed"), "0") << played.result;
        const PrivateNet next;
    }
}

} // namespace
} // namespace portguard::test
