// What a program notices of `portguard run`: the guard, and nothing else.
#include <csignal>
#include <filesystem>

#include <sys/stat.h>

#include "support/waiting.h"
#include "tools/support/command.h"

namespace portguard::test {
namespace {

TEST(Run, KeepsThePidItWasStartedWith) {
    const Finished finished = portguard({"run", "sh", "-c", "echo $$"});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_EQ(finished.out, std::to_string(finished.pid) + "\n");
}

TEST(Run, ReturnsTheExitStatusOfTheProgram) {
    for (const int status : {0, 1, 2, 3, 7, 126, 127, 255}) {
        const Finished finished = portguard({"run", "sh", "-c", "exit " + std::to_string(status)});
        EXPECT_TRUE(finished.exited_with(status)) << finished;
        EXPECT_EQ(finished.err, "");
    }
}

TEST(Run, DiesOfTheSignalThatTheProgramDiesOf) {
    for (const int number : {SIGTERM, SIGKILL, SIGUSR1}) {
        const Finished finished = portguard({"run", "sh", "-c", "kill -" + std::to_string(number) + " $$"});
        EXPECT_EQ(finished.signal, number) << finished;
    }
}

TEST(Run, HandsSignalsToTheProgram) {
    Process process(command_spec({"run", "sh", "-c", "trap 'exit 5' USR1; echo ready; sleep 1000 & wait"}));
    ASSERT_TRUE(eventually([&process] { return process.out() == "ready\n"; })) << process.err();
    process.send_signal(SIGUSR1);
    const Finished finished = process.finish();
    EXPECT_TRUE(finished.exited_with(5)) << finished;
}

TEST(Run, LeavesIgnoredAndBlockedSignalsAsTheyWere) {
    const auto ignore_and_block = [] {
        std::signal(SIGHUP, SIG_IGN);
        sigset_t blocked;
        sigemptyset(&blocked);
        sigaddset(&blocked, SIGUSR2);
        sigprocmask(SIG_BLOCK, &blocked, nullptr);
    };
    const Words question{"grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"};
    const Finished plain = run_process({.argv = question, .before_exec = ignore_and_block});
    const Finished guarded = portguard({"run", question[0], question[1], question[2], question[3]},
                                       {.before_exec = ignore_and_block});
    EXPECT_EQ(guarded.out, plain.out);
    EXPECT_NE(plain.out.find("SigBlk"), std::string::npos) << plain;
}

TEST(Run, LeavesNoDescriptorBehind) {
    const Finished plain = run_process({.argv = {"ls", "/proc/self/fd"}});
    const Finished guarded = portguard({"run", "ls", "/proc/self/fd"});
    EXPECT_EQ(guarded.out, plain.out);
}

TEST(Run, HandsArgumentsOnUntouched) {
    const Words arguments{"--listen=", "", "--", "--print", "a b", "config", "--help", "++", "[x]", "-x"};
    Words words{"run", "printf", "%s\\n"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    const Finished finished = portguard(words);
    std::string expected;
    for (const std::string& argument : arguments) {
        expected += argument + "\n";
    }
    EXPECT_EQ(finished.out, expected) << finished;
}

TEST(Run, TakesAProgramThatLooksLikeAnOptionOrASubcommand) {
    const TemporaryFolder folder;
    for (const char* const name : {"--print", "run", "config"}) {
        static_cast<void>(folder.write(name, "#!/bin/sh\necho \"$@\"\n", 0755));
        const Finished finished =
            portguard({"run", "--", name, "--", "x"},
                      {.environment = {"PATH=" + folder.path().string() + ":/usr/bin:/bin"}});
        EXPECT_EQ(finished.out, "-- x\n") << finished;
    }
}

TEST(Run, ChangesNothingInTheEnvironmentButItsOwnVariables) {
    const Finished plain =
        run_process({.argv = {"env"}, .environment = {"PORTGUARD_CONFIG=/dev/null", "A=b c"}});
    const Finished guarded = portguard({"run", "--deny_errno=EPERM", "env"}, {.environment = {"A=b c"}});
    std::string left;
    std::istringstream lines(guarded.out);
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("LD_PRELOAD=") && line != "PORTGUARD_DENY_ERRNO=EPERM") {
            left += line + "\n";
        }
    }
    EXPECT_EQ(left, plain.out);
    EXPECT_NE(guarded.out.find("PORTGUARD_DENY_ERRNO=EPERM\n"), std::string::npos) << guarded;
}

TEST(Run, PutsTheGuardBeforeOtherPreloads) {
    for (const char* const existing :
         {"libm.so.6:libdl.so.2", "libm.so.6 libdl.so.2", ":libm.so.6:libdl.so.2:"}) {
        // A command that is itself built with ASan does not start behind another preload.
        const Finished finished =
            portguard({"run", "env"}, {.environment = {std::string("LD_PRELOAD=") + existing,
                                                       "ASAN_OPTIONS=verify_asan_link_order=0"}});
        EXPECT_EQ(preload_entries(variable_in(finished.out, "LD_PRELOAD")),
                  (Words{own_preload_entry(), "libm.so.6", "libdl.so.2"}))
            << finished;
        EXPECT_EQ(finished.err, "");
    }
}

TEST(Run, WithinItselfPutsTheGuardInOnce) {
    const Finished finished = portguard({"run", PORTGUARD_COMMAND, "run", "env"});
    EXPECT_EQ(preload_entries(variable_in(finished.out, "LD_PRELOAD")), Words{own_preload_entry()})
        << finished;
}

TEST(Run, LoadsTheGuardIntoTheProgramAndItsChildrenInSilence) {
    const Finished finished =
        portguard({"run", "sh", "-c", "cd / && grep -c libportguard.so /proc/$$/maps /proc/self/maps"});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_EQ(finished.err, "");
}

TEST(Run, StartsAScriptWithoutAShebangAsTheShellDoes) {
    const TemporaryFolder folder;
    const Finished finished = portguard({"run", folder.write("script", "echo $0 $1", 0755), "x"});
    EXPECT_EQ(finished.out, folder.file("script") + " x\n") << finished;
}

TEST(Run, RefusesAPortOutsideThePlan) {
    constexpr const char* script = R"(
import socket
try: socket.socket().bind(('127.0.0.1', 20000))
except OSError as error: print(error.errno)
)";
    // What the interpreter leaks is not ours.
    const Finished finished =
        portguard({"run", "--listen=5000-14999", "--log=none", "/usr/bin/python3", "-c", script},
                  {.environment = {"ASAN_OPTIONS=detect_leaks=0"}});
    EXPECT_EQ(finished.out, std::to_string(EACCES) + "\n") << finished;
    EXPECT_EQ(finished.err, "");
}

TEST(Run, PrintsThePlanAndStartsNothing) {
    const TemporaryFolder folder;
    const Finished finished =
        portguard({"run", "--listen=80,443", "--log=file:my log", "--print", "touch", "made"},
                  {.environment = {"PORTGUARD_MODE=observe"}, .folder = folder.path()});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_FALSE(std::filesystem::exists(folder.file("made")));
    for (const std::string& part :
         {std::string("PORTGUARD_LISTEN='80,443'\n"), std::string("PORTGUARD_MODE='observe'\n"),
          "PORTGUARD_LOG='file:" + folder.file("my log") + "'\n", own_preload_entry(),
          std::string("/touch\n")}) {
        EXPECT_NE(finished.out.find(part), std::string::npos) << part << " is not in " << finished;
    }
    const auto settings = settings_in(finished.out);
    EXPECT_EQ(settings.at("listen"), (Setting{"80,443", "command line"}));
    EXPECT_EQ(settings.at("mode"), (Setting{"observe", "environment"}));
}

TEST(Run, SaysWhichProgramsAreStartedWithoutTheGuard) {
    for (const Words& words : {Words{"run", "--print", "sh"}, Words{"run", "--help"}, Words{"man", "run"}}) {
        const Finished finished = portguard(words);
        for (const char* const part : {"env", "su", "sudo", "without", "unguarded"}) {
            EXPECT_NE(finished.out.find(part), std::string::npos) << part << " is not in " << finished;
        }
    }
}

TEST(Run, PrintsThePlanWithoutAProgram) {
    EXPECT_TRUE(portguard({"run", "--print"}).exited_with(0));
}

TEST(RunLog, HasToBeAFileThatTheGuardWouldWrite) {
    const TemporaryFolder folder;
    const auto answers = make_forbidden_logs(folder);
    for (const std::string& option : {std::string("log"), std::string("record")}) {
        for (const auto& [path, reason] : answers) {
            const Finished finished =
                portguard({"run", "--" + option + "=file:" + path, "touch", folder.file("started")});
            EXPECT_TRUE(
                refused_with(finished, 2, {"the " + option + " '", reason, option + "=file:PATH names"}))
                << path;
        }
    }
    EXPECT_FALSE(std::filesystem::exists(folder.file("started")));
}

TEST(RunLog, IsNotMadeBeforeThereIsAnythingToWrite) {
    const TemporaryFolder folder;
    ASSERT_EQ(::mkfifo(folder.file("fifo").c_str(), 0600), 0);
    for (const std::string& path : {folder.file("new"), folder.file("%p.log"), folder.write("old", "x"),
                                    folder.file("fifo"), std::string("relative.log")}) {
        const Finished finished = portguard({"run", "--log=file:" + path, "true"});
        EXPECT_TRUE(finished.exited_with(0)) << path << finished;
    }
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 2);
}

// An administrator's file or profile may name a log that only root can write.
TEST(RunLog, OfTheEnvironmentIsLeftToTheGuard) {
    const Finished finished =
        portguard({"run", "true"}, {.environment = {"PORTGUARD_LOG=file:/no/such/folder/log"}});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_EQ(finished.err, "");
}

} // namespace
} // namespace portguard::test
