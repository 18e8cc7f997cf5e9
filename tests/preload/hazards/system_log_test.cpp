// Hazards (rows.txt) about where reports go that stderr or a file does not take, and about a stderr that is
// not for them.
#include <algorithm>
#include <csignal>

#include <fcntl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "preload/hazards/hazards.h"
#include "support/sockets.h"

namespace portguard::test {
namespace {

const std::string refused = "a = tcp4; bind a *:20000";

/// Runs `refused` under the plan with `fd` as descriptor 2 from its exec on.
void play_at(const Fd& fd, const Environment& environment = plan) {
    const Played played{run({.argv = {victim("socket_script"), refused},
                             .environment = environment,
                             .deadline = std::chrono::milliseconds(8000),
                             .before_exec = [&fd] { ::dup2(fd.get(), STDERR_FILENO); }})};
    EXPECT_TRUE(played.result.exited_with(0)) << played.result;
    EXPECT_EQ(played.said("bind a *:20000"), "EACCES") << played.result;
}

/// The entries of a journal that hold `word`.
std::size_t entries_with(const std::vector<std::string>& entries, std::string_view word) {
    return static_cast<std::size_t>(
        std::count_if(entries.begin(), entries.end(), [word](const std::string& entry) {
            return journal_field(entry, "MESSAGE").find(word) != std::string::npos;
        }));
}

TEST_F(Hazards, H60_a_terminal_that_was_stopped_does_not_hang_the_program_and_the_journal_gets_the_event) {
    log().start_journal();
    const Fd terminal(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_EQ(::grantpt(terminal.get()) + ::unlockpt(terminal.get()), 0);
    const Fd device(::open(::ptsname(terminal.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_EQ(::tcflow(device.get(), TCOOFF), 0);
    play_at(device);
    EXPECT_EQ(entries_with(log().journal(), ":20000: refused"), 1U);
}

TEST_F(Hazards, H60_a_terminal_that_nobody_reads_does_not_hang_the_program) {
    const Fd terminal(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_EQ(::grantpt(terminal.get()) + ::unlockpt(terminal.get()), 0);
    const Fd device(::open(::ptsname(terminal.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
    std::string script = "a = tcp4";
    for (int port = 20000; port < 20800; ++port) {
        script += "; bind a *:" + std::to_string(port);
    }
    const Played played{
        run({.argv = {victim("socket_script"), script},
             .environment = plan_with({"PORTGUARD_DIAGNOSIS=line", "PORTGUARD_MAX_REPORTS=1000"}),
             .deadline = std::chrono::milliseconds(20000),
             .before_exec = [&device] { ::dup2(device.get(), STDERR_FILENO); }})};
    EXPECT_TRUE(played.result.exited_with(0)) << played.result;
    EXPECT_EQ(played.said("bind a *:20799"), "EACCES");
}

TEST_F(Hazards, H61_a_data_file_that_is_descriptor_2_at_exec_is_not_written_to) {
    log().start_journal();
    const std::string path = folder_.file("data");
    write_text(path, "a header");
    play_at(Fd(::open(path.c_str(), O_RDWR | O_CLOEXEC)));
    EXPECT_EQ(read_text(path), "a header");
    EXPECT_EQ(entries_with(log().journal(), ":20000: refused"), 1U);
}

TEST_F(Hazards, H61_a_file_that_stderr_is_appended_to_is) {
    const std::string path = folder_.file("err.log");
    write_text(path, "before\n");
    play_at(Fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC)));
    EXPECT_EQ(count_of(read_text(path), ":20000: refused"), 1U) << read_text(path);
}

TEST_F(Hazards, H61_a_peer_in_the_network_that_is_descriptor_2_at_exec_reads_nothing) {
    log().start_journal();
    const Fd listening = listener(loopback(10100));
    const Connection connection = connect_pair(listening);
    play_at(connection.server);
    char byte = 0;
    EXPECT_EQ(::recv(connection.client.get(), &byte, 1, MSG_DONTWAIT), -1);
    EXPECT_EQ(entries_with(log().journal(), ":20000: refused"), 1U);
}

TEST_F(Hazards, H62_where_the_log_cannot_be_opened_the_journal_gets_the_event_and_the_reason) {
    log().start_journal();
    const std::string option = "PORTGUARD_LOG=file:" + folder_.file("absent/log");
    EXPECT_EQ(play(refused, plan_with({option.c_str(), "PORTGUARD_FORMAT=text"})).said("bind a *:20000"),
              "EACCES");
    const std::vector<std::string> entries = log().journal();
    EXPECT_EQ(entries_with(entries, "could not be opened (ENOENT); reported here"), 1U);
    EXPECT_EQ(entries_with(entries, ":20000: refused"), 1U);
}

TEST_F(Hazards, H62_a_stderr_that_was_re_pointed_after_the_start_leaves_the_event_to_syslog) {
    log().start_syslog();
    const std::string variable = "VICTIM_DATA=" + folder_.file("data");
    provoke("reopen_standard_error", plan_with({variable.c_str()}));
    const std::vector<std::string> lines = log().syslog();
    EXPECT_TRUE(std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
        return line.starts_with("<27>portguard[") && line.find(": refused (EACCES)") != std::string::npos;
    }));
}

TEST_F(Hazards, H62_log_journal_and_log_syslog_leave_stderr_alone) {
    log().start_journal();
    log().start_syslog();
    EXPECT_EQ(play(refused, plan_with({"PORTGUARD_LOG=journal"})).result.err, "");
    EXPECT_EQ(entries_with(log().journal(), ":20000: refused"), 1U);
    EXPECT_EQ(play(refused, plan_with({"PORTGUARD_LOG=syslog"})).result.err, "");
    EXPECT_FALSE(log().syslog().empty());
}

} // namespace
} // namespace portguard::test
