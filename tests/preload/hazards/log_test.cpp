// Hazards (rows.txt) about where lines are written.
#include <csignal>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include <gtest/gtest.h>

#include "preload/hazards/hazards.h"
#include "support/skip.h"

namespace portguard::test {
namespace {

const std::string refused = "a = tcp4; bind a *:20000; bind a *:20001; bind a *:10000";

/// Runs `refused` under the plan with fd 2 as `before_exec` leaves it.
Played play_with(const std::function<void()>& before_exec, const Environment& environment) {
    return {run({.argv = {victim("socket_script"), refused},
                 .environment = environment,
                 .deadline = std::chrono::milliseconds(8000),
                 .before_exec = before_exec})};
}

void expect_unharmed(const Played& played) {
    EXPECT_TRUE(played.result.exited_with(0)) << played.result;
    EXPECT_EQ(played.said("bind a *:20000"), "EACCES") << played.result;
    EXPECT_EQ(played.said("bind a *:20001"), "EACCES") << played.result;
    EXPECT_EQ(played.said("bind a *:10000"), "ok") << played.result;
}

TEST_F(Hazards, H08_a_data_file_that_became_descriptor_2_is_not_written_to) {
    const std::string data = folder_.file("data");
    const std::string variable = "VICTIM_DATA=" + data;
    const Played played = provoke("reopen_standard_error", plan_with({variable.c_str()}));
    EXPECT_EQ(played.said("data file is descriptor"), "2") << played.result;
    EXPECT_EQ(played.said("bind refused"), "EACCES");
    EXPECT_EQ(read_text(data), "");
}

TEST_F(Hazards, H08_a_stderr_that_was_closed_at_start_stays_so) {
    const std::string data = folder_.file("data");
    const std::string variable = "VICTIM_DATA=" + data;
    const Played played{run({.argv = {victim("hazard"), "reopen_standard_error"},
                             .environment = plan_with({variable.c_str()}),
                             .before_exec = [] { ::close(STDERR_FILENO); }})};
    EXPECT_EQ(played.said("data file is descriptor"), "2") << played.result;
    EXPECT_EQ(read_text(data), "");
}

TEST_F(Hazards, H08_no_log_file_stays_open) {
    const std::string option = "PORTGUARD_LOG=file:" + folder_.file("log");
    const Played played{
        run({.argv = {"/usr/bin/python3", "-c",
                      "import os, socket\n"
                      "before = os.listdir('/proc/self/fd')\n"
                      "s = socket.socket()\n"
                      "for i in range(3):\n"
                      "  try: s.bind(('', 20000 + i))\n"
                      "  except PermissionError: pass\n"
                      "s.close()\n"
                      "print('left open ->', len(os.listdir('/proc/self/fd')) - len(before))"},
             .environment = plan_with({option.c_str(), "PORTGUARD_DIAGNOSIS=line"})})};
    EXPECT_EQ(played.said("left open"), "0") << played.result;
    EXPECT_EQ(count_of(read_text(folder_.file("log")), "refused"), 3U);
}

TEST_F(Hazards, H32_a_log_that_is_a_symlink_is_not_followed) {
    const std::string target = folder_.file("target");
    write_text(target, "");
    std::filesystem::create_symlink(target, folder_.file("link"));
    const std::string option = "PORTGUARD_LOG=file:" + folder_.file("link");
    expect_unharmed(play_with({}, plan_with({option.c_str()})));
    EXPECT_EQ(read_text(target), "");
}

TEST_F(Hazards, H32_a_log_that_others_may_write_or_own_is_not_written_to) {
    const std::string path = folder_.file("log");
    write_text(path, "");
    const std::string option = "PORTGUARD_LOG=file:" + path;
    ASSERT_EQ(::chmod(path.c_str(), 0666), 0);
    expect_unharmed(play_with({}, plan_with({option.c_str()})));
    EXPECT_EQ(read_text(path), "");
    ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
    expect_unharmed(play_with({}, plan_with({option.c_str()})));
    EXPECT_EQ(count_of(read_text(path), "refused"), 2U);
}

TEST_F(Hazards, H32_a_link_to_a_folder_is_followed_only_where_not_everybody_can_make_one) {
    const std::string target = folder_.file("target");
    const std::string shared = folder_.file("shared");
    std::filesystem::create_directory(target);
    std::filesystem::create_directory(shared);
    std::filesystem::create_directory_symlink(target, folder_.file("own-link"));
    std::filesystem::create_directory_symlink(target, shared + "/link");
    ASSERT_EQ(::chmod(shared.c_str(), 01777), 0);
    const auto log_to = [](const std::string& path) {
        const std::string option = "PORTGUARD_LOG=file:" + path;
        expect_unharmed(play_with({}, plan_with({option.c_str()})));
    };
    log_to(shared + "/link/log");
    EXPECT_FALSE(std::filesystem::exists(target + "/log"));
    log_to(folder_.file("own-link//log"));
    EXPECT_EQ(count_of(read_text(target + "/log"), "refused"), 2U);
    log_to(shared + "/log");
    EXPECT_EQ(count_of(read_text(shared + "/log"), "refused"), 2U);
}

TEST_F(Hazards, H32_a_log_that_is_another_name_of_a_file_is_not_written_to) {
    const std::string target = folder_.file("target");
    write_text(target, "");
    std::filesystem::create_hard_link(target, folder_.file("log"));
    const std::string option = "PORTGUARD_LOG=file:" + folder_.file("log");
    expect_unharmed(play_with({}, plan_with({option.c_str()})));
    EXPECT_EQ(read_text(target), "");
}

TEST_F(Hazards, H32_a_log_that_is_a_device_is_not_written_to) {
    const Fd terminal(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
    ASSERT_EQ(::grantpt(terminal.get()) + ::unlockpt(terminal.get()), 0);
    const Fd device(::open(::ptsname(terminal.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_TRUE(device.valid());
    const std::string option = "PORTGUARD_LOG=file:" + std::string(::ptsname(terminal.get()));
    expect_unharmed(play_with({}, plan_with({option.c_str()})));
    char byte = 0;
    EXPECT_EQ(::read(terminal.get(), &byte, 1), -1);
}

TEST_F(Hazards, H32_a_log_path_may_hold_any_byte) {
    const std::string odd = folder_.file("we\nird\x1b[31m\xff %s%d%");
    const std::string option = "PORTGUARD_LOG=file:" + odd;
    expect_unharmed(play_with({}, plan_with({option.c_str()})));
    EXPECT_EQ(count_of(read_text(odd), "refused"), 2U);
}

std::string repeated(std::string_view word, std::size_t times) {
    std::string text;
    for (; times > 0; --times) {
        text += word;
    }
    return text;
}

std::size_t plain_files_below(const std::string& folder) {
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        files += entry.is_regular_file() ? 1 : 0;
    }
    return files;
}

// Cut off, it would be another file's path: the kernel takes it, whose own limits are far away.
TEST_F(Hazards, H32_a_log_path_that_the_pid_makes_longer_than_600_bytes_is_none) {
    if (::getpid() < 100) {
        PORTGUARD_SKIP("a pid of two digits is no longer than its %p");
    }
    // Each name stays below 255 bytes whatever the pid, and three of them grow by 93 at least.
    constexpr std::size_t pids = 31;
    const auto make_folders = [this] {
        const std::string name = repeated(std::to_string(::getpid()), pids);
        ::mkdir(folder_.file(name).c_str(), 0755);
        ::mkdir(folder_.file(name + '/' + name).c_str(), 0755);
    };
    const std::string name = repeated("%p", pids);
    const auto log_to = [&](const std::string& path) {
        const std::string option = "PORTGUARD_LOG=file:" + path;
        expect_unharmed(play_with(make_folders, plan_with({option.c_str()})));
        return plain_files_below(folder_.path().string());
    };
    EXPECT_EQ(log_to(folder_.file(name + '/' + name + "/log")), 1U) << "the names alone are not too long";
    std::string path = folder_.file("");
    while (path.size() + 3 * name.size() < 508) {
        path += "./";
    }
    EXPECT_EQ(log_to(path + name + '/' + name + '/' + name), 1U) << "and so no file more";
}

TEST_F(Hazards, H47_a_closed_pipe_as_stderr_does_not_kill_the_program) {
    const auto break_stderr = [] {
        int ends[2];
        if (::pipe(ends) != 0) {
            ::_exit(126);
        }
        ::dup2(ends[1], STDERR_FILENO);
        ::close(ends[0]);
        ::close(ends[1]);
        ::signal(SIGPIPE, SIG_DFL);
    };
    expect_unharmed(play_with(break_stderr, plan));
    expect_unharmed(play_with(break_stderr, plan_with({"PORTGUARD_DIAGNOSIS=line"})));
}

TEST_F(Hazards, H47_a_file_size_limit_does_not_kill_the_program) {
    if (is_sanitized) {
        GTEST_SKIP() << "TSan's run-time writes a file of its own at start";
    }
    const std::string option = "PORTGUARD_LOG=file:" + folder_.file("log");
    const auto limit = [] {
        const rlimit none{0, 0};
        ::setrlimit(RLIMIT_FSIZE, &none);
        ::signal(SIGXFSZ, SIG_DFL);
    };
    expect_unharmed(play_with(limit, plan_with({option.c_str()})));
    EXPECT_EQ(read_text(folder_.file("log")), "");
}

TEST_F(Hazards, H48_a_full_pipe_as_stderr_does_not_hang_the_program_and_the_loss_is_counted) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const Fd reader(ends[0]);
    const Fd writer(ends[1]);
    const std::string filler(4096, 'x');
    ::fcntl(writer.get(), F_SETFL, O_NONBLOCK);
    while (::write(writer.get(), filler.data(), filler.size()) > 0) {
    }
    ::fcntl(writer.get(), F_SETFL, 0);
    Background victim_process(
        {.argv = {victim("socket_script"), "a = tcp4; bind a *:20000; bind a *:20001; wait; bind a *:20002"},
         .environment = plan,
         .before_exec = [&writer] { ::dup2(writer.get(), STDERR_FILENO); }});
    EXPECT_NE(victim_process.read_line(), "");
    EXPECT_EQ(victim_process.read_line(), "bind a *:20000 -> EACCES");
    EXPECT_EQ(victim_process.read_line(), "bind a *:20001 -> EACCES");
    std::string drained(1 << 20, '\0');
    ASSERT_GT(::read(reader.get(), drained.data(), drained.size()), 0);
    victim_process.send("go\n");
    EXPECT_TRUE(victim_process.finish().exited_with(0));
    ::fcntl(reader.get(), F_SETFL, O_NONBLOCK);
    const ssize_t count = ::read(reader.get(), drained.data(), drained.size());
    ASSERT_GT(count, 0);
    drained.resize(static_cast<std::size_t>(count));
    EXPECT_NE(drained.find(":20002: refused"), std::string::npos) << drained;
    EXPECT_NE(drained.find("2 events before this one could not be written"), std::string::npos) << drained;
}

TEST_F(Hazards, H48_a_fifo_without_a_reader_as_log_does_not_hang_the_program) {
    const std::string path = folder_.file("fifo");
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    const std::string option = "PORTGUARD_LOG=file:" + path;
    expect_unharmed(play_with({}, plan_with({option.c_str()})));
}

} // namespace
} // namespace portguard::test
