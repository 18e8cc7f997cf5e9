// Where the configuration comes from, and what a bad one does: nothing to the program.
#include <filesystem>
#include <string>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "preload/play.h"
#include "support/child.h"
#include "support/private_net.h"

namespace portguard::test {
namespace {

class Configuration : public PrivateNetTest {
protected:
    TemporaryFolder folder_;
};

const std::string outside = "a = tcp4; bind a *:20000";

void expect_inactive(const Environment& environment, std::string_view sentence) {
    const Played played = play(outside, environment);
    EXPECT_EQ(played.said("bind a"), "ok") << played.result;
    EXPECT_EQ(count_of(played.result.err, "\n"), 1U) << played.result;
    EXPECT_NE(played.result.err.find(sentence), std::string::npos) << played.result;
    EXPECT_NE(played.result.err.find("the guard is inactive in this process"), std::string::npos)
        << played.result;
}

TEST_F(Configuration, an_unknown_option_is_one_sentence_and_the_program_runs_untouched) {
    expect_inactive({"PORTGUARD_LISTEN=10000", "PORTGUARD_LISTN=5"}, "no option has this name");
}

TEST_F(Configuration, a_bad_value_is_one_sentence_and_the_program_runs_untouched) {
    expect_inactive({"PORTGUARD_LISTEN=10000-99999"}, "listen=10000-99999 (environment)");
    expect_inactive({"PORTGUARD_LISTEN=10000", "PORTGUARD_MODE=on"}, "must be enforce, observe or off");
}

TEST_F(Configuration, an_overlap_names_the_port_and_a_pair_that_would_work) {
    expect_inactive(
        {"PORTGUARD_LISTEN=5000-15000", "PORTGUARD_EPHEMERAL=15000-65000"},
        "meet at port 15000; the two must not overlap: listen=5000-14999 with ephemeral=15000-65000");
}

TEST_F(Configuration, a_missing_file_is_one_sentence) {
    expect_inactive({"PORTGUARD_LISTEN=10000", "PORTGUARD_CONFIG=/nonexistent/portguard.conf"},
                    "PORTGUARD_CONFIG=/nonexistent/portguard.conf (environment): ");
}

/// As an administrator may have it for every program: the shim in /etc/ld.so.preload.
Played play_of_nobody(mode_t mode) {
    return {
        run({.argv = {"/etc/victim", outside}, .environment = {"PORTGUARD_LISTEN=10000"}, .before_exec = [=] {
                 const bool ready = unshare(CLONE_NEWNS) == 0 &&
                                    mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                                    mount("tmpfs", "/etc", "tmpfs", 0, "mode=755") == 0;
                 std::filesystem::copy_file(victim("socket_script"), "/etc/victim");
                 write_text("/etc/ld.so.preload", std::string(shim_path()) + "\n");
                 if (!ready || chmod("/etc/victim", mode) != 0) {
                     _exit(125);
                 }
                 become_user(65534);
             }})};
}

TEST_F(Configuration, a_set_user_id_program_is_not_steered_by_its_caller) {
    if (is_sanitized) {
        GTEST_SKIP() << "the run-time has to come first, and /etc/ld.so.preload comes before the program's";
    }
    const Played plain = play_of_nobody(0755);
    EXPECT_EQ(plain.said("bind a"), "EACCES") << plain.result;
    const Played set_user_id = play_of_nobody(04755);
    EXPECT_EQ(set_user_id.said("bind a"), "ok") << set_user_id.result;
    EXPECT_EQ(set_user_id.result.err, "");
}

/// `text` as /etc/portguard.conf of a program that runs as another user, in a mount namespace of its own.
Played play_with_default_file(const std::string& script, const char* text, mode_t mode) {
    return {run({.argv = {victim("socket_script"), script}, .before_exec = [=] {
                     const bool ready = unshare(CLONE_NEWNS) == 0 &&
                                        mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                                        mount("tmpfs", "/etc", "tmpfs", 0, "mode=755") == 0;
                     write_text("/etc/portguard.conf", text);
                     if (!ready || chmod("/etc/portguard.conf", mode) != 0) {
                         _exit(125);
                     }
                     become_user(65534);
                 }})};
}

TEST_F(Configuration, the_default_file_is_read_where_nothing_names_another) {
    const Played played = play_with_default_file(outside, "listen = 10000-19999\n", 0644);
    EXPECT_EQ(played.said("bind a"), "EACCES") << played.result;
}

TEST_F(Configuration, a_default_file_that_may_not_be_read_is_one_sentence) {
    const Played played = play_with_default_file(outside, "listen = 10000-19999\n", 0600);
    EXPECT_EQ(played.said("bind a"), "ok") << played.result;
    EXPECT_EQ(played.result.err,
              "portguard: /etc/portguard.conf: the file cannot be opened; name one in "
              "PORTGUARD_CONFIG that is readable; the guard is inactive in this process\n");
}

TEST_F(Configuration, a_bad_line_of_a_file_is_named_with_its_number) {
    const std::string path = folder_.file("guard.conf");
    write_text(path, "# a comment\nlisten = 10000\nmode = loud\n");
    const std::string variable = "PORTGUARD_CONFIG=" + path;
    expect_inactive({variable}, path + ":3");
}

TEST_F(Configuration, a_folder_or_an_endless_file_is_one_sentence) {
    expect_inactive({"PORTGUARD_CONFIG=" + folder_.path().string()}, "cannot be read");
    expect_inactive({"PORTGUARD_CONFIG=/dev/zero"}, "longer than 64 KiB");
}

TEST_F(Configuration, a_fifo_that_nobody_writes_does_not_hang_the_program) {
    const std::string path = folder_.file("fifo");
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    const std::string variable = "PORTGUARD_CONFIG=" + path;
    // Without a writer it is an empty file.
    EXPECT_EQ(play(outside, {variable, "PORTGUARD_LISTEN=10000"}).said("bind a"), "EACCES");
    const Fd writer(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_TRUE(writer.valid());
    expect_inactive({variable}, "cannot be read");
}

TEST_F(Configuration, a_file_is_read_and_the_environment_beats_it) {
    const std::string path = folder_.file("guard.conf");
    write_text(path, "; both kinds of comment\n listen = 10000-19999\ndeny-errno = EPERM\n");
    const std::string variable = "PORTGUARD_CONFIG=" + path;
    EXPECT_EQ(play(outside, {variable}).said("bind a"), "EPERM");
    EXPECT_EQ(play(outside, {variable, "PORTGUARD_DENY_ERRNO=EACCES"}).said("bind a"), "EACCES");
    EXPECT_EQ(play(outside, {variable, "PORTGUARD_LISTEN=20000"}).said("bind a"), "ok");
}

TEST_F(Configuration, only_names_the_programs_in_which_the_guard_is_active) {
    EXPECT_EQ(play(outside, plan_with({"PORTGUARD_ONLY=nginx"})).said("bind a"), "ok");
    EXPECT_EQ(
        play(outside, plan_with({"PORTGUARD_ONLY=nginx, portguard_victim_socket_script"})).said("bind a"),
        "EACCES");
    EXPECT_EQ(play(outside, plan_with({"PORTGUARD_ONLY=portguard_victim_socket"})).said("bind a"), "ok");
}

TEST_F(Configuration, variables_of_the_tests_and_of_others_are_no_options) {
    const Played played =
        play(outside, plan_with({"PORTGUARD_TEST_NO_SKIP=1", "PORTGUARD_CI_MODE=", "PORTGUARDED=1", "POSIX=1",
                                 "PORTGUARD_DIAGNOSIS=line"}));
    EXPECT_EQ(played.said("bind a"), "EACCES");
    EXPECT_EQ(count_of(played.result.err, "\n"), 1U) << played.result;
}

TEST_F(Configuration, log_none_is_silent) {
    const Played played = play(outside, plan_with({"PORTGUARD_LOG=none"}));
    EXPECT_EQ(played.said("bind a"), "EACCES");
    EXPECT_EQ(played.result.err, "");
}

TEST_F(Configuration, log_file_is_appended_to_and_p_is_the_pid) {
    const std::string path = folder_.file("log-%p-x");
    Background first(
        {.argv = {victim("socket_script"), outside},
         .environment = plan_with({("PORTGUARD_LOG=file:" + path).c_str(), "PORTGUARD_FORMAT=text"})});
    const std::string written = folder_.file("log-" + std::to_string(first.pid()) + "-x");
    EXPECT_EQ(first.finish().err, "");
    EXPECT_NE(read_text(written).find("bind tcp 0.0.0.0:20000: refused"), std::string::npos)
        << read_text(written);

    const std::string option = "PORTGUARD_LOG=file:" + folder_.file("log");
    play(outside, plan_with({option.c_str()}));
    play(outside, plan_with({option.c_str()}));
    EXPECT_EQ(count_of(read_text(folder_.file("log")), "refused"), 2U);
}

TEST_F(Configuration, log_file_is_json_and_every_other_log_is_text_unless_the_format_is_given) {
    for (const char* const diagnosis : {"PORTGUARD_DIAGNOSIS=line", "PORTGUARD_DIAGNOSIS=full"}) {
        const std::string path = folder_.file(diagnosis);
        const std::string option = "PORTGUARD_LOG=file:" + path;
        EXPECT_TRUE(play(outside, plan_with({diagnosis})).result.err.starts_with("portguard: "));
        play(outside, plan_with({option.c_str(), diagnosis}));
        EXPECT_TRUE(read_text(path).starts_with(R"({"schema":1,)")) << read_text(path);
        std::filesystem::remove(path);
        play(outside, plan_with({option.c_str(), diagnosis, "PORTGUARD_FORMAT=text"}));
        EXPECT_TRUE(read_text(path).starts_with("portguard: ")) << read_text(path);
        EXPECT_TRUE(play(outside, plan_with({diagnosis, "PORTGUARD_FORMAT=json"}))
                        .result.err.starts_with(R"({"schema":1,)"));
    }
}

TEST_F(Configuration, one_line_of_diagnosis_is_json_where_the_format_is) {
    const Environment one_line = plan_with({"PORTGUARD_DIAGNOSIS=line", "PORTGUARD_FORMAT=json"});
    const Played played = play(outside, one_line);
    EXPECT_EQ(played.said("bind a"), "EACCES");
    const std::string exe = std::filesystem::canonical(victim("socket_script"));
    for (
        const std::string& part :
        {std::string(R"({"schema":1,"time":"20)"), std::string(R"("event":"refused","call":"bind")"),
         std::string(R"("address":"0.0.0.0","port":20000,"socket":{"fd":)"), R"("exe":")" + exe + '"',
         std::string(
             R"part("sentence":"outside listen=10000-19999","evidence":[],"cures":[],"count":1,"missing":)part"),
         std::string("[\"what diagnosis=full would have asked (diagnosis=line)\"]}\n")}) {
        EXPECT_NE(played.result.err.find(part), std::string::npos) << part << "\n" << played.result;
    }
    EXPECT_EQ(count_of(played.result.err, "\n"), 1U) << played.result;
}

TEST_F(Configuration, record_has_every_event_as_json_whatever_log_says) {
    const std::string path = folder_.file("record");
    const std::string option = "PORTGUARD_RECORD=file:" + path;
    const Played silent = play(outside, plan_with({option.c_str(), "PORTGUARD_LOG=none"}));
    EXPECT_EQ(silent.said("bind a"), "EACCES");
    EXPECT_EQ(silent.result.err, "");
    EXPECT_EQ(count_of(read_text(path), "{\"schema\":1,"), 1U) << read_text(path);
    const Played told = play(outside, plan_with({option.c_str()}));
    EXPECT_NE(told.result.err.find("]: bind tcp 0.0.0.0:20000: refused (EACCES)"), std::string::npos)
        << told.result;
    EXPECT_EQ(count_of(read_text(path), "{\"schema\":1,"), 2U) << read_text(path);
    play(outside, plan_with({option.c_str(), "PORTGUARD_DIAGNOSIS=line", "PORTGUARD_LOG=none"}));
    EXPECT_EQ(count_of(read_text(path), "{\"schema\":1,"), 3U) << read_text(path);
    EXPECT_EQ(count_of(read_text(path), "\n"), 3U) << read_text(path);
}

} // namespace
} // namespace portguard::test
