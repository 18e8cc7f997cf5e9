// Reports as the user of a program gets them: the preloaded object, the helper, and whatever surrounds them.
#include <filesystem>

#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "kernel/sock_diag.h"
#include "preload/play.h"
#include "support/kernel_features.h"
#include "support/private_net.h"
#include "support/sockets.h"

namespace portguard::test {
namespace {

constexpr std::uint16_t busy_port = 10001;

class Diagnosis : public PrivateNetTest {
protected:
    /// victims/reporting.cpp in one of its surroundings, with `busy_port` held by this very test.
    Played report(const std::string& surrounding, const Environment& environment = {},
                  const std::string& build = "reporting", const std::function<void()>& before_exec = {}) {
        const Fd holder = listener(loopback(busy_port));
        return {run(
            {.argv = {victim(build), surrounding}, .environment = environment, .before_exec = before_exec})};
    }
    static bool tells(const Played& played, const std::string& words) {
        return played.result.err.find(words) != std::string::npos;
    }
    Environment log_into(const std::string& name, Environment environment = {}) const {
        environment.push_back("PORTGUARD_LOG=file:" + folder_.file(name));
        environment.emplace_back("PORTGUARD_FORMAT=text");
        return environment;
    }

    TemporaryFolder folder_;
};

TEST_F(Diagnosis, names_the_function_that_called_bind_in_a_thread_with_its_line) {
    const Played played = report("in_a_thread");
    EXPECT_EQ(played.said("bind"), "EADDRINUSE");
    EXPECT_TRUE(tells(played, "open_the_front_door")) << played.result;
    EXPECT_TRUE(tells(played, "at reporting.cpp:")) << played.result;
}

TEST_F(Diagnosis, of_a_stripped_program_without_frame_pointers_it_names_module_and_offset) {
    const Played played = report("in_a_thread", {}, "reporting_stripped");
    EXPECT_EQ(played.said("bind"), "EADDRINUSE");
    EXPECT_TRUE(tells(played, "portguard_victim_reporting_stripped+0x")) << played.result;
    EXPECT_FALSE(tells(played, "open_the_front_door")) << played.result;
    EXPECT_TRUE(tells(played, "libc.so.6")) << "the walk did not get out of the program\n" << played.result;
}

TEST_F(Diagnosis, of_a_coroutine_of_64_KiB_it_shows_the_stack) {
    const Played played = report("on_a_coroutine");
    EXPECT_EQ(played.said("bind"), "EADDRINUSE");
    EXPECT_TRUE(tells(played, "open_the_front_door")) << played.result;
}

TEST_F(Diagnosis, of_a_handler_on_an_alternate_stack_it_shows_the_stack) {
    if (is_sanitized) {
        GTEST_SKIP() << "an instrumented handler needs more than its 8 KiB";
    }
    const Played played = provoke("report_on_alternate_stack");
    EXPECT_EQ(played.said("bind in use"), "EADDRINUSE");
    EXPECT_TRUE(tells(played, "victim::bind_errno")) << played.result;
}

TEST_F(Diagnosis, a_corrupt_stack_is_shown_as_far_as_it_goes) {
    for (const char* build : {"reporting", "reporting_stripped"}) {
        const Played played = report("with_a_corrupt_stack", {}, build);
        EXPECT_TRUE(played.result.exited_with(0)) << played.result;
        EXPECT_EQ(played.said("bind"), "EADDRINUSE");
        EXPECT_TRUE(tells(played, "  stack ")) << played.result;
    }
}

TEST_F(Diagnosis, an_unprivileged_user_is_told_that_the_owner_is_not_visible) {
    // In the folder of the build nobody else may look for programs.
    const std::string program = folder_.file("program");
    std::filesystem::permissions(folder_.path().string(), std::filesystem::perms(0755));
    for (const char* name : {"libportguard.so", "portguard-explain"}) {
        std::filesystem::copy_file(std::filesystem::path(shim_path()).parent_path() / name,
                                   folder_.file(name));
    }
    std::filesystem::copy_file(victim("reporting"), program);
    const Fd holder = listener(loopback(busy_port));
    const Played played{
        run({.argv = {program, "in_a_thread"}, .shim = folder_.file("libportguard.so"), .before_exec = [] {
                 if (setgroups(0, nullptr) != 0 || setgid(65534) != 0 || setuid(65534) != 0) {
                     _exit(126);
                 }
             }})};
    EXPECT_EQ(played.said("bind"), "EADDRINUSE") << played.result;
    EXPECT_TRUE(tells(played, "a process of uid 0")) << played.result;
    EXPECT_TRUE(tells(played, "owners that are not visible to this user")) << played.result;
}

TEST_F(Diagnosis, without_a_free_descriptor_it_tells_what_can_be_told) {
    const Played played = report("without_descriptors");
    EXPECT_TRUE(played.result.exited_with(0)) << played.result;
    EXPECT_EQ(played.said("bind"), "EADDRINUSE") << played.result;
    EXPECT_TRUE(tells(played, "bind tcp 127.0.0.1:10001: in use (EADDRINUSE)")) << played.result;
}

TEST_F(Diagnosis, a_stderr_that_is_closed_on_exec_gets_the_report_all_the_same) {
    const Fd holder = listener(loopback(busy_port));
    const Played played{run({.argv = {"/usr/bin/python3", "-c",
                                      "import os, socket\n"
                                      "os.set_inheritable(2, False)\n"
                                      "s = socket.socket()\n"
                                      "if s.fileno() != 4: os.dup2(s.fileno(), 4, inheritable=False)\n"
                                      "for t in (s, socket.socket(fileno=4)):\n"
                                      "  try: t.bind(('127.0.0.1', 10001))\n"
                                      "  except OSError: print('refused -> ok')\n"
                                      "print('closed on exec ->', not os.get_inheritable(2))"},
                             .environment = {"PORTGUARD_STACK_DEPTH=0"}})};
    EXPECT_EQ(played.said("refused", 1), "ok") << played.result;
    EXPECT_EQ(played.said("closed on exec"), "True") << "as the program made it";
    EXPECT_TRUE(tells(played, "held by portguard_prelo")) << played.result;
}

TEST_F(Diagnosis, where_netlink_is_forbidden_it_says_so) {
    const Played played = report("without_netlink");
    EXPECT_EQ(played.said("bind"), "EADDRINUSE") << played.result;
    EXPECT_TRUE(tells(played, "the list of IPv4 sockets (EPERM)")) << played.result;
    EXPECT_TRUE(tells(played, "open_the_front_door")) << played.result;
}

TEST_F(Diagnosis, H04_children_forked_while_another_thread_allocates_report) {
    if (malloc_may_stay_locked_in_children) {
        GTEST_SKIP() << "ASan's malloc, unlike libc's, may stay locked in the child of a fork";
    }
    const Played played = report("in_children_of_a_busy_allocator", log_into("log"));
    EXPECT_EQ(played.said("failed"), "0") << played.result;
    EXPECT_EQ(count_of(read_text(folder_.file("log")), "in use (EADDRINUSE): held by"), 40U);
}

TEST_F(Diagnosis, H50_no_debuginfod_server_is_asked) {
    const Fd holder = listener(loopback(busy_port));
    const std::string trace = folder_.file("trace");
    const std::string preload = "LD_PRELOAD=" + preload_value({.argv = {}});
    const Played played{run({.argv = {"/usr/bin/strace", "-f", "-e", "trace=connect,sendto,execve", "-o",
                                      trace, "-E", preload, victim("reporting"), "in_a_thread"},
                             .environment = {"DEBUGINFOD_URLS=http://127.0.0.1:9"},
                             .with_shim = false})};
    EXPECT_TRUE(tells(played, "at reporting.cpp:")) << played.result;
    EXPECT_EQ(count_of(read_text(trace), "connect("), 0U) << read_text(trace);
}

TEST_F(Diagnosis, H40_each_level_keeps_to_what_it_promises) {
    struct Row {
        const char* level;
        bool holders;
        bool stack;
    };
    // Without the cure, whose look is no part of the diagnosis.
    for (const Row& row : {Row{"full", true, true}, Row{"stack", false, true}, Row{"line", false, false},
                           Row{"off", false, false}}) {
        const Fd holder = listener(loopback(busy_port));
        const std::string trace = folder_.file("trace");
        const Played played{
            run({.argv = {"/usr/bin/strace", "-f", "-o", trace, "-E",
                          "LD_PRELOAD=" + preload_value({.argv = {}}), victim("reporting"), "in_a_thread"},
                 .environment = {std::string("PORTGUARD_DIAGNOSIS=") + row.level, "PORTGUARD_REUSEADDR=off"},
                 .with_shim = false})};
        const std::string calls = read_text(trace);
        EXPECT_EQ(played.said("bind"), "EADDRINUSE") << played.result;
        EXPECT_EQ(count_of(calls, "AF_NETLINK") != 0, row.holders) << row.level;
        EXPECT_EQ(count_of(calls, "openat(AT_FDCWD, \"/proc\"") != 0, row.holders) << row.level;
        EXPECT_EQ(count_of(calls, "execve(\"/proc/self/fd/7\"") != 0, row.stack) << row.level;
        EXPECT_EQ(played.result.err.empty(), std::string_view(row.level) == "off") << played.result;
        const PrivateNet next;
    }
}

TEST_F(Diagnosis, a_log_that_was_renamed_is_begun_anew) {
    const Environment environment = log_into("log", plan);
    Background program({.argv = {victim("socket_script"), "a = tcp4; bind a *:20000; wait; bind a *:20001"},
                        .environment = environment});
    program.read_line();
    EXPECT_EQ(program.read_line(), "bind a *:20000 -> EACCES");
    std::filesystem::rename(folder_.file("log"), folder_.file("log.1"));
    program.send("go\n");
    EXPECT_TRUE(program.finish().exited_with(0));
    EXPECT_NE(read_text(folder_.file("log.1")).find(":20000: refused"), std::string::npos);
    EXPECT_NE(read_text(folder_.file("log")).find(":20001: refused"), std::string::npos);
}

TEST_F(Diagnosis, a_full_disk_loses_the_report_and_not_the_program) {
    const std::string disk = folder_.path().string();
    const Played played{run({.argv = {victim("socket_script"), "a = tcp4; bind a *:20000; bind a *:10000"},
                             .environment = log_into("log", plan),
                             .before_exec = [&disk] {
                                 const std::string filler = disk + "/filler";
                                 const std::string block(4096, 'x');
                                 if (unshare(CLONE_NEWNS) != 0 ||
                                     mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
                                     mount("none", disk.c_str(), "tmpfs", 0, "size=64k") != 0) {
                                     _exit(126);
                                 }
                                 const int fd = open(filler.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
                                 while (write(fd, block.data(), block.size()) > 0) {
                                 }
                                 close(fd);
                             }})};
    EXPECT_TRUE(played.result.exited_with(0)) << played.result;
    EXPECT_EQ(played.said("bind a *:20000"), "EACCES");
    EXPECT_EQ(played.said("bind a *:10000"), "ok");
    EXPECT_EQ(played.result.err, "");
}

TEST_F(Diagnosis, a_level_holds_for_the_line_of_our_own_as_for_a_report) {
    set_ephemeral_range(10000, 60000);
    const std::string at_risk = "a = tcp4; bind a *:10000; listen a; r = tcp4; bind r *:10000";
    for (const char* kind : {"PORTGUARD_DIAGNOSIS=line", "PORTGUARD_DIAGNOSIS=full"}) {
        const Played all = play(at_risk, {kind});
        EXPECT_TRUE(tells(all, "inside the ephemeral range")) << all.result;
        const Played errors = play(at_risk, {kind, "PORTGUARD_LEVEL=error"});
        EXPECT_FALSE(tells(errors, "inside the ephemeral range")) << errors.result;
        EXPECT_TRUE(tells(errors, "in use")) << errors.result;
        const PrivateNet next;
        set_ephemeral_range(10000, 60000);
    }
}

TEST_F(Diagnosis, below_the_level_a_cure_is_made_all_the_same) {
    ASSERT_EQ(play(left_time_wait(10000)).said("timewait s"), "ok");
    const Played played = play("n = tcp4; bind n *:10000; listen n", {"PORTGUARD_LEVEL=warn"});
    EXPECT_EQ(played.said("listen n"), "ok") << played.result;
    EXPECT_EQ(played.result.err, "");
}

TEST_F(Diagnosis, a_port_that_portguard_hold_keeps_is_given_to_a_program_without_the_flag) {
    PORTGUARD_NEEDS_BOUND_SOCKETS_SHOWN();
    const Fd hold = flagged(tcp_socket(AF_INET6));
    set_option(hold, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    ASSERT_EQ(set_option(hold, SOL_IP, IP_TOS, hold_tos), success);
    ASSERT_EQ(bind_to(hold, wildcard(10000, AF_INET6)), success);
    const std::string script =
        "n = tcp4; bind n *:10000; listen n; c = tcp4; connect c @n; s = accept n; echo c s";
    EXPECT_EQ(play("n = tcp4; bind n *:10000", {}, false).said("bind n"), "EADDRINUSE");
    const Played played = play(script);
    EXPECT_EQ(played.said("listen n"), "ok") << played.result;
    EXPECT_EQ(played.said("echo c"), "ok");
    EXPECT_TRUE(tells(played, "cured: was held by")) << played.result;
}

} // namespace
} // namespace portguard::test
