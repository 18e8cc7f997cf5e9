// What a report depends on, taken away. (System calls that fail are in tests/faults; a module that cannot be
// loaded, a full disk and descriptors that have run out in diagnosis_test.cpp, what is left of a stack in
// hazards/.)
#include <filesystem>

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "preload/play.h"
#include "support/private_net.h"
#include "support/sockets.h"

namespace portguard::test {
namespace {

constexpr std::uint16_t busy_port = 10001;

class Faults : public PrivateNetTest {
protected:
    /// allocation_faults.cpp, whose every child has to have reported in some way.
    void fail_allocations(const char* start) {
        if (is_sanitized) {
            GTEST_SKIP() << "a sanitizer's run-time is the allocator";
        }
        const Fd holder = listener(loopback(busy_port));
        const Played played{run({.argv = {victim("allocation_faults"), start},
                                 .environment = {"PORTGUARD_LOG=file:" + folder_.file("log"),
                                                 "PORTGUARD_MAX_REPORTS=1000", "PORTGUARD_BUDGET_MS=10000"},
                                 .deadline = std::chrono::milliseconds(60000)})};
        EXPECT_TRUE(played.result.exited_with(0)) << played.result;
        EXPECT_EQ(played.said("harmed"), "0") << played.result;
        EXPECT_GT(std::atol(played.said("needed").c_str()), 20) << played.result;
        const std::string log = read_text(folder_.file("log"));
        // One of its own counts the allocations, and one has made it warm.
        const std::size_t children = std::strtoul(played.said("children").c_str(), nullptr, 10);
        EXPECT_GE(count_of(log, "in use (EADDRINUSE)"), children) << log.substr(0, 4000);
    }

    ScratchFolder folder_;
};

TEST_F(Faults, an_allocation_that_fails_while_the_module_is_loaded_harms_nobody) {
    fail_allocations("cold");
}

TEST_F(Faults, an_allocation_that_fails_in_a_report_harms_nobody) {
    fail_allocations("warm");
}

TEST_F(Faults, a_log_whose_folder_is_gone_loses_events_and_counts_them) {
    const std::string logs = folder_.file("logs");
    std::filesystem::create_directory(logs);
    Environment environment = plan;
    environment.push_back("PORTGUARD_LOG=file:" + logs + "/log");
    Background program(
        {.argv = {victim("socket_script"),
                  "a = tcp4; bind a *:20000; wait; bind a *:20001; wait; bind a *:20002; bind a *:10000"},
         .environment = environment});
    program.read_line();
    EXPECT_EQ(program.read_line(), "bind a *:20000 -> EACCES");
    std::filesystem::remove_all(logs);
    program.send("go\n");
    program.read_line();
    EXPECT_EQ(program.read_line(), "bind a *:20001 -> EACCES");
    EXPECT_FALSE(std::filesystem::exists(logs)) << "a folder that was removed on purpose";
    std::filesystem::create_directory(logs);
    program.send("go\n");
    const Played played{program.finish()};
    EXPECT_TRUE(played.result.exited_with(0)) << played.result;
    EXPECT_EQ(played.said("bind a *:20002"), "EACCES") << played.result;
    EXPECT_EQ(played.said("bind a *:10000"), "ok") << played.result;
    EXPECT_EQ(played.result.err, "");
    const std::string log = read_text(logs + "/log");
    EXPECT_EQ(count_of(log, ":20002: refused"), 1U) << log;
    EXPECT_EQ(count_of(log, "1 events before this one could not be written"), 1U) << log;
}

TEST_F(Faults, where_proc_is_not_mounted_the_report_says_what_it_lacks) {
    if (is_sanitized) {
        GTEST_SKIP() << "a sanitizer's run-time reads /proc";
    }
    const Fd holder = listener(loopback(busy_port));
    const Played played{run({.argv = {victim("reporting"), "in_a_thread"},
                             .environment = {"PORTGUARD_FORMAT=json", "PORTGUARD_BUDGET_MS=10000"},
                             .before_exec = [] {
                                 if (unshare(CLONE_NEWNS) != 0 ||
                                     mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
                                     mount("none", "/proc", "tmpfs", 0, "size=4k") != 0) {
                                     _exit(126);
                                 }
                             }})};
    EXPECT_TRUE(played.result.exited_with(0)) << played.result;
    EXPECT_EQ(played.said("bind"), "EADDRINUSE") << played.result;
    EXPECT_EQ(count_of(played.result.err, "\"state\":\"LISTEN\""), 1U) << played.result;
    EXPECT_EQ(count_of(played.result.err, "\"this process in /proc\""), 1U) << played.result;
    EXPECT_EQ(count_of(played.result.err, "\"owners that are not visible to this user\"") +
                  count_of(played.result.err, "\"the owners (/proc"),
              1U)
        << played.result;
}

} // namespace
} // namespace portguard::test
