// What a report depends on, taken away. (System calls that fail are in tests/faults; a helper that is missing
// and a full disk in diagnosis_test.cpp, descriptors that have run out in hazards/child_test.cpp.)
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
    TemporaryFolder folder_;
};

TEST_F(Faults, a_log_whose_folder_is_gone_loses_events_and_counts_them) {
    const std::string logs = folder_.file("logs");
    std::filesystem::create_directory(logs);
    Environment environment = plan;
    environment.push_back("PORTGUARD_LOG=file:" + logs + "/log");
    environment.emplace_back("PORTGUARD_FORMAT=text");
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

TEST_F(Faults, where_proc_is_not_mounted_it_is_told_in_a_line_that_says_so) {
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
    EXPECT_EQ(count_of(played.result.err, R"("event":"in_use")"), 1U) << played.result;
    EXPECT_EQ(count_of(played.result.err, "/proc/self/maps does not say where the library lies"), 1U)
        << played.result;
}

} // namespace
} // namespace portguard::test
