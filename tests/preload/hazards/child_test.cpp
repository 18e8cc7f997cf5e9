// Hazards from H53 on (rows.txt): what the child that handles a failed call may not do to the program, nor
// the program to it.
#include <filesystem>

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "core/helper_place.h"
#include "preload/hazards/hazards.h"
#include "support/kernel_features.h"

namespace portguard::test {
namespace {

TEST_F(Hazards, H63_a_report_leaves_no_mapping_no_heap_and_no_descriptor) {
    if (is_sanitized) {
        GTEST_SKIP() << "a sanitizer maps memory of its own";
    }
    const Played played = provoke("compare_before_and_after", {});
    EXPECT_EQ(played.said("bind in use"), "EADDRINUSE") << played.result;
    EXPECT_NE(played.result.err.find("held by"), std::string::npos) << played.result;
    EXPECT_EQ(played.said("same maps"), "1");
    EXPECT_EQ(played.said("same heap"), "1");
    EXPECT_EQ(played.said("same descriptors"), "1");
}

TEST_F(Hazards, H73_no_wait_and_no_handler_of_the_program_sees_the_child) {
    const Played played = provoke("wait_for_any_child", {});
    EXPECT_TRUE(played.result.exited_with(0)) << played.result;
    EXPECT_EQ(played.said("SIGCHLD"), "0");
    EXPECT_EQ(played.said("a child was seen"), "(not reached)");
    EXPECT_EQ(played.said("another errno"), "(not reached)");
}

TEST_F(Hazards, H58_a_sandbox_that_traps_a_call_of_the_child_costs_the_program_nothing_but_the_report) {
    if (is_sanitized) {
        GTEST_SKIP() << "a sanitizer's run-time opens files of its own";
    }
    const Played played = provoke("bind_where_openat_is_trapped", {});
    EXPECT_TRUE(played.result.exited_with(0)) << played.result;
    EXPECT_EQ(played.said("trapped by the program"), "1");
    EXPECT_EQ(played.said("bind in use"), "EADDRINUSE");
    // An old kernel's child might take the program along, which therefore looks for a filter itself.
    EXPECT_EQ(played.said("trapped after the bind"), kernel_is_at_least(5, 16) ? "1" : "3");
    EXPECT_NE(played.result.err.find("bind tcp 127.0.0.1:10001: in use (EADDRINUSE)"), std::string::npos)
        << played.result;
    EXPECT_NE(played.result.err.find("was killed by signal 31"), std::string::npos) << played.result;
}

TEST_F(Hazards, H59_children_forked_beside_a_walk_of_loaded_objects_do_not_hang) {
    if (is_sanitized) {
        GTEST_SKIP()
            << "the locks of a sanitizer's run-time, unlike libc's, may stay locked in the child of a fork";
    }
    const Played played =
        provoke("fork_beside_a_walk_of_objects", {"PORTGUARD_LOG=file:" + folder_.file("log")});
    EXPECT_EQ(played.said("children that hung or failed"), "0") << played.result;
}

TEST_F(Hazards, H71_descriptors_0_to_2_stay_free_where_the_program_closed_them) {
    const Played played = provoke("bind_without_standard_descriptors",
                                  {"PORTGUARD_LOG=file:" + folder_.file("log"), "PORTGUARD_FORMAT=text"});
    EXPECT_EQ(played.said("bind in use"), "EADDRINUSE") << played.result;
    EXPECT_EQ(played.said("first"), "0");
    EXPECT_EQ(played.said("third"), "2");
    EXPECT_NE(read_text(folder_.file("log")).find("held by"), std::string::npos);
}

TEST_F(Hazards, H68_a_number_that_is_another_socket_in_another_thread_is_judged_by_what_it_is) {
    const Played played = provoke("bind_in_a_thread_with_descriptors_of_its_own", {});
    EXPECT_EQ(played.said("bind over TIME_WAIT"), "ok") << played.result;
    EXPECT_EQ(played.said("flag"), "0");
}

TEST_F(Hazards, H71_without_a_free_descriptor_it_is_told_in_full_and_cured) {
    const Played played = provoke("bind_without_a_free_descriptor", {});
    EXPECT_EQ(played.said("bind in use"), "EADDRINUSE") << played.result;
    EXPECT_EQ(played.said("bind over TIME_WAIT"), "ok");
    EXPECT_EQ(played.said("listen"), "ok");
    EXPECT_NE(played.result.err.find("held by"), std::string::npos) << played.result;
    EXPECT_NE(played.result.err.find("cured"), std::string::npos) << played.result;
}

TEST_F(Hazards, H03_a_handler_that_interrupted_malloc_reports_in_full) {
    const Played played = provoke("report_from_a_handler_that_interrupts_malloc", {});
    EXPECT_EQ(played.said("failures in the handler"), "20") << played.result;
    EXPECT_NE(played.result.err.find("held by"), std::string::npos) << played.result;
}

TEST_F(Hazards, H65_a_program_with_8_MiB_of_address_space_reports_in_full) {
    if (is_sanitized) {
        GTEST_SKIP() << "a sanitizer's shadow is larger";
    }
    const Played played = provoke("report_with_little_memory", {});
    EXPECT_EQ(played.said("setrlimit"), "ok");
    EXPECT_EQ(played.said("bind in use"), "EADDRINUSE") << played.result;
    EXPECT_NE(played.result.err.find("held by"), std::string::npos) << played.result;
}

TEST_F(Hazards, H66_two_hundred_threads_that_fail_at_once_get_their_answers_and_few_reports) {
    const Played played = provoke("fail_in_200_threads", {"PORTGUARD_LOG=file:" + folder_.file("log")});
    EXPECT_TRUE(played.result.exited_with(0)) << played.result;
    EXPECT_EQ(played.said("wrong answers"), "0");
    EXPECT_LE(count_of(read_text(folder_.file("log")), "portguard: portguard_victim_hazard["), 60U);
}

TEST_F(Hazards, H05_a_child_that_is_killed_in_a_report_spoils_no_later_one) {
#ifdef __SANITIZE_THREAD__
    GTEST_SKIP()
        << "killed inside TSan's run-time, the child leaves TSan's lock locked in the memory it shares";
#endif
    const Played played = provoke("kill_children_in_reports", {"PORTGUARD_MAX_REPORTS=1000"});
    EXPECT_TRUE(played.result.exited_with(0)) << played.result;
    EXPECT_EQ(played.said("another errno"), "(not reached)");
    EXPECT_EQ(played.said("bind in use"), "EADDRINUSE");
}

TEST_F(Hazards, H56_a_fork_at_any_moment_of_a_cure_inherits_no_lock) {
    const Played played = provoke("fork_during_cures", {"PORTGUARD_LOG=none"});
    EXPECT_EQ(played.said("locks kept"), "0") << played.result;
}

TEST_F(Hazards, H66_a_scan_over_taken_ports_makes_few_reports_and_says_how_many_there_were) {
    const Played played = provoke("scan_over_taken_ports", {"PORTGUARD_MAX_REPORTS=10"});
    EXPECT_EQ(played.said("refused"), "1000") << played.result;
    EXPECT_LE(count_of(played.result.err, "portguard: "), 60U) << played.result;
}

TEST_F(Hazards, H67_where_the_clock_stands_still_reports_go_on) {
    const Played with_clock = provoke("fail_at_forty_addresses", {"PORTGUARD_MAX_REPORTS=5"});
    EXPECT_EQ(with_clock.said("refused"), "40") << with_clock.result;
    const Played without{run({.argv = {victim("hazard"), "fail_at_forty_addresses"},
                              .environment = {"PORTGUARD_MAX_REPORTS=5"},
                              .preloaded_before = {victim_object("frozen_clock")}})};
    EXPECT_EQ(without.said("refused"), "40") << without.result;
    EXPECT_GT(count_of(without.result.err, "portguard: portguard_victim_hazard["), 6U) << without.result;
}

TEST_F(Hazards, H57_nothing_of_another_root_is_executed) {
    if (is_sanitized) {
        GTEST_SKIP() << "a sanitizer's run-time cannot be linked statically";
    }
    // The jail holds a library and a helper of its own under the very paths of ours, and /proc, as vsftpd's
    // may.
    const std::filesystem::path shim(shim_path());
    const std::string inside = folder_.path().string() + shim.parent_path().string();
    std::filesystem::create_directories(inside);
    std::filesystem::create_directories(folder_.file("proc"));
    std::filesystem::permissions(folder_.path().string(), std::filesystem::perms(0755));
    std::filesystem::copy_file(shim, inside + "/libportguard.so");
    std::filesystem::create_directories(inside + "/" PORTGUARD_HELPER_FOLDER);
    for (const char* const place : helper_places) {
        std::filesystem::copy_file(victim("jailed_helper"), inside + "/" + place);
    }
    const std::string proc = folder_.file("proc");
    const std::string jail = "VICTIM_FOLDER=" + folder_.path().string();
    const Played played{run({.argv = {victim("hazard"), "change_root"},
                             .environment = plan_with({jail.c_str()}),
                             .before_exec = [&proc] {
                                 if (unshare(CLONE_NEWNS) != 0 ||
                                     mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
                                     mount("/proc", proc.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) {
                                     _exit(126);
                                 }
                             }})};
    EXPECT_EQ(played.said("chroot"), "ok") << played.result;
    EXPECT_EQ(played.said("bind in use"), "EADDRINUSE");
    EXPECT_FALSE(std::filesystem::exists(inside + "/executed")) << played.result;
    EXPECT_FALSE(std::filesystem::exists(inside + "/" PORTGUARD_HELPER_FOLDER "/executed")) << played.result;
    EXPECT_NE(played.result.err.find("another file lies where the library was"), std::string::npos)
        << played.result;
}

TEST_F(Hazards, H57_a_helper_that_others_may_write_to_is_not_executed) {
    if (is_sanitized) {
        GTEST_SKIP() << "a sanitizer's run-time cannot be linked statically";
    }
    std::filesystem::copy_file(shim_path(), folder_.file("libportguard.so"));
    std::filesystem::create_directory(folder_.file(PORTGUARD_HELPER_FOLDER));
    const auto run_there = [this] {
        return Played{run({.argv = {victim("socket_script"), "a = tcp4; bind a *:20000"},
                           .environment = plan_with({"PORTGUARD_BUDGET_MS=10000"}),
                           .shim = folder_.file("libportguard.so")})};
    };
    for (const char* const place : helper_places) {
        const std::filesystem::path helper(folder_.file(place));
        const std::filesystem::path executed = helper.parent_path() / "executed";
        std::filesystem::copy_file(victim("jailed_helper"), helper);
        std::filesystem::permissions(helper, std::filesystem::perms(0777));
        EXPECT_NE(run_there().result.err.find("others may write to it"), std::string::npos) << place;
        EXPECT_FALSE(std::filesystem::exists(executed)) << place;
        // The same file as it should be: it is what would have run.
        std::filesystem::permissions(helper, std::filesystem::perms(0755));
        EXPECT_EQ(run_there().said("bind a"), "EACCES");
        EXPECT_TRUE(std::filesystem::exists(executed)) << place;
        std::filesystem::remove(helper);
    }
}

} // namespace
} // namespace portguard::test
