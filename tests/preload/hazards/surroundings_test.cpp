// Hazards (rows.txt) about descriptors, environment and names.
#include <cerrno>
#include <filesystem>

#include <unistd.h>

#include <gtest/gtest.h>

#include "preload/hazards/hazards.h"

namespace portguard::test {
namespace {

TEST_F(Hazards, H07_numbers_that_changed_hands_unseen_are_judged_by_what_they_are) {
    const Played played = provoke("close_unseen");
    EXPECT_EQ(count_of(played.result.out, "same number -> 1"), 2U) << played.result;
    EXPECT_EQ(played.said("bind refused"), "EACCES");
    EXPECT_EQ(played.said("bind allowed"), "ok");
    EXPECT_EQ(played.said("listen"), "ok");
    EXPECT_EQ(played.said("connect netlink"), "ok");
}

TEST_F(Hazards, H07_a_received_socket_is_under_the_plan) {
    set_ephemeral_range(10000, 60000);
    const Played played = provoke("receive_descriptor");
    EXPECT_EQ(played.said("bind refused"), "EACCES") << played.result;
    EXPECT_EQ(played.said("bind allowed"), "ok");
    EXPECT_EQ(played.said("connect"), "ok");
}

TEST_F(Hazards, H07_a_socket_that_came_through_exec_is_under_the_plan) {
    const std::string inner = victim("socket_script");
    const Finished result = run({.argv = {"/usr/bin/python3", "-c",
                                          "import os, socket, sys\n"
                                          "s = socket.socket(); os.dup2(s.fileno(), 9)\n"
                                          "os.execv(sys.argv[1], [sys.argv[1], 'bind 9 *:20000; bind 9 "
                                          "*:10000; listen 9; get 9 reuseaddr'])",
                                          inner},
                                 .environment = plan});
    const Played played{result};
    EXPECT_EQ(played.said("bind 9 *:20000"), "EACCES") << result;
    EXPECT_EQ(played.said("bind 9 *:10000"), "ok");
    EXPECT_EQ(played.said("get 9"), "1");
}

TEST_F(Hazards, H09_after_chroot_a_failure_is_still_told_in_one_line) {
    const std::string folder = "VICTIM_FOLDER=" + folder_.path().string();
    const Played played = provoke("change_root", plan_with({folder.c_str()}));
    EXPECT_TRUE(played.result.exited_with(0)) << played.result;
    EXPECT_EQ(played.said("chroot"), "ok");
    EXPECT_EQ(played.said("bind refused"), "EACCES");
    EXPECT_EQ(played.said("bind in use"), "EADDRINUSE");
    EXPECT_EQ(played.said("bind allowed"), "ok");
    EXPECT_EQ(count_of(played.result.err, "\n"), 2U) << played.result;
}

TEST_F(Hazards, H25_an_environment_cleared_before_the_first_socket_makes_no_difference) {
    const Played played = provoke("clear_environment");
    EXPECT_EQ(played.said("bind refused"), "EACCES") << played.result;
    EXPECT_EQ(played.said("bind allowed"), "ok");
}

TEST_F(Hazards, H31_a_program_name_with_escapes_stays_one_harmless_line) {
    const std::string name = folder_.file("we\nird\x1b[31m\xff");
    std::filesystem::create_symlink(victim("socket_script"), name);
    const Played played{
        run({.argv = {name, "a = tcp4; bind a *:20000; b = tcp4; bind b *:10000; c = tcp4; bind c *:10000"},
             .environment = plan})};
    EXPECT_EQ(played.said("bind a"), "EACCES") << played.result;
    EXPECT_EQ(count_of(played.result.err, "\nportguard: "), 1U) << "two events begin a line\n"
                                                                << played.result;
    EXPECT_EQ(count_of(played.result.err, "\nird"), 0U) << played.result;
    EXPECT_EQ(played.result.err.find('\x1b'), std::string::npos);
    EXPECT_EQ(played.result.err.find('\xff'), std::string::npos);
}

// A right-to-left override, a C1 control, DEL: valid in JSON as they are, and acted upon by terminals.
TEST_F(Hazards, H31_arguments_with_what_a_terminal_acts_on_are_escaped_in_JSON_and_not_shown_in_text) {
    const std::string odd = "odd\xc2\x9b\x33\x31m\xe2\x80\xae\x7f";
    const auto report_of_python = [&](const char* format) {
        return run({.argv = {"/usr/bin/python3", "-c",
                             "import socket\n"
                             "a = socket.socket(); a.bind(('127.0.0.1', 10000)); a.listen()\n"
                             "b = socket.socket()\n"
                             "try: b.bind(('127.0.0.1', 10000))\n"
                             "except OSError: pass",
                             odd},
                    .environment = plan_with({format})})
            .err;
    };
    const std::string json = report_of_python("PORTGUARD_FORMAT=json");
    EXPECT_NE(json.find(R"(odd\u009b31m\u202e\u007f)"), std::string::npos) << json;
    for (const std::string& report : {json, report_of_python("PORTGUARD_FORMAT=text")}) {
        EXPECT_NE(report.find("10000"), std::string::npos) << report;
        for (const char* const acted_on : {"\xc2\x9b", "\xe2\x80\xae", "\x7f"}) {
            EXPECT_EQ(report.find(acted_on), std::string::npos) << report;
        }
    }
}

TEST_F(Hazards, H36_a_million_numbers_are_closed_one_by_one_in_silence) {
    const Played played = provoke("close_every_number");
    EXPECT_TRUE(played.result.exited_with(0)) << played.result;
    EXPECT_EQ(played.said("bind far"), "EACCES") << "the highest number that the limit allows";
    EXPECT_EQ(played.said("bind far inside"), "ok");
    if (!is_sanitized) {
        EXPECT_EQ(played.said("pages touched"), "0");
    }
    EXPECT_EQ(played.said("bind after"), "EACCES");
    EXPECT_EQ(count_of(played.result.err, "refused"), 1U) << "the same within ten seconds\n" << played.result;
}

/// The same shim with a table of 8 descriptors: not every machine lets a test have 65,537.
TEST_F(Hazards, H33_descriptors_beyond_the_table_are_under_the_plan) {
    set_ephemeral_range(10000, 60000);
    const std::string fill = "f = tcp4; f = tcp4; f = tcp4; f = tcp4; f = tcp4; f = tcp4; ";
    const Played played{
        run({.argv = {victim("socket_script"), fill + connected_pair(10000) +
                                                   "inside c 40000 50000; echo c s; n = tcp4; bind n "
                                                   "*:20000; bind n *:10000; get n reuseaddr; z = tcp4; "
                                                   "bind z *:0; inside z 40000 50000; get l reuseaddr"},
             .environment = plan,
             .shim = PORTGUARD_SMALL_TABLE_SHIM})};
    EXPECT_EQ(played.said("inside c"), "inside") << played.result;
    EXPECT_EQ(played.said("echo c"), "ok");
    EXPECT_EQ(played.said("bind n *:20000"), "EACCES");
    EXPECT_EQ(played.said("bind n *:10000"), "EADDRINUSE");
    EXPECT_EQ(played.said("get n"), "0");
    EXPECT_EQ(played.said("inside z"), "inside");
    EXPECT_EQ(played.said("get l"), "0") << "what is not remembered is not given the flag";
}

TEST_F(Hazards, H33_a_cure_beyond_the_table_works) {
    const std::string fill = "f = tcp4; f = tcp4; f = tcp4; f = tcp4; f = tcp4; f = tcp4; ";
    ASSERT_EQ(play(left_time_wait(10000)).said("timewait s"), "ok");
    const Played played{run({.argv = {victim("socket_script"), fill + "n = tcp4; bind n *:10000; listen n"},
                             .shim = PORTGUARD_SMALL_TABLE_SHIM})};
    EXPECT_EQ(played.said("listen n"), "ok") << played.result;
}

TEST_F(Hazards, H52_a_relative_preload_and_a_chdir_still_find_the_helper) {
    const std::string shim(shim_path());
    const std::string folder = shim.substr(0, shim.rfind('/'));
    const Finished result = run({.argv = {"/usr/bin/python3", "-c",
                                          "import os, socket\n"
                                          "os.chdir('/')\n"
                                          "a = socket.create_server(('', 10000))\n"
                                          "b = socket.socket()\n"
                                          "try: b.bind(('', 10000))\n"
                                          "except OSError as error: print('bind ->', error.errno)"},
                                 .environment = plan,
                                 .shim = "./libportguard.so",
                                 .before_exec = [&folder] {
                                     if (::chdir(folder.c_str()) != 0) {
                                         ::_exit(126);
                                     }
                                 }});
    EXPECT_EQ(Played{result}.said("bind"), std::to_string(EADDRINUSE)) << result;
    EXPECT_NE(result.err.find("held by"), std::string::npos) << "the helper was not found\n" << result;
}

} // namespace
} // namespace portguard::test
