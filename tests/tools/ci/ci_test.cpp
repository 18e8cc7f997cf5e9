// `portguard ci`: what the wrapped command notices of it, and what it says afterwards.
#include <csignal>

#include <nlohmann/json.hpp>

#include <sys/wait.h>

#include "support/private_net.h"
#include "support/terminal.h"
#include "support/waiting.h"
#include "tools/support/command.h"
#include "tools/support/schema.h"

namespace portguard::test {
namespace {

using Ci = PrivateNetTest;

constexpr const char* holding = "import socket, time\n"
                                "s = socket.create_server(('127.0.0.1', 8080))\n"
                                "print('held', flush=True)\n"
                                "time.sleep(60)\n";
constexpr const char* asking = "import socket\n"
                               "try: socket.create_server(('127.0.0.1', 8080))\n"
                               "except OSError: pass\n";

/// A suite in which `asking` meets the port of `holding`, `times` times, and that succeeds.
Words fighting_suite(const TemporaryFolder& folder, int times = 1) {
    const std::string holder = folder.write("holder.py", holding);
    const std::string asker = folder.write("asker.py", asking);
    return {"sh", "-c",
            "rm -f " + folder.file("out") + "; python3 " + holder + " >" + folder.file("out") +
                " & holder=$!; until grep -qs held " + folder.file("out") +
                "; do sleep 0.02; done; for i in $(seq " + std::to_string(times) + "); do python3 " + asker +
                "; done; kill $holder"};
}

Words ci(Words options, const Words& suite) {
    options.insert(options.begin(), "ci");
    options.emplace_back("--");
    options.insert(options.end(), suite.begin(), suite.end());
    return options;
}

TEST(CiStatus, IsThatOfTheCommand) {
    for (const int status : {0, 1, 3, 126, 127, 255}) {
        const Finished finished = portguard({"ci", "sh", "-c", "exit " + std::to_string(status)});
        EXPECT_TRUE(finished.exited_with(status)) << finished;
    }
    EXPECT_TRUE(portguard({"ci", "/no/such/program"}).exited_with(127));
    EXPECT_TRUE(portguard({"ci", "/etc/passwd"}).exited_with(126));
    EXPECT_TRUE(portguard({"ci", "--front-end=preload", PORTGUARD_SLEEPING_PROGRAM, "0"}).exited_with(3));
}

TEST(CiStatus, IsThatOfACommandWhichCtrlCEndsWhileCiIsBusy) {
    // Stopped, ci has the key and the end of the command before it at once.
    Terminal terminal(
        {PORTGUARD_COMMAND, "ci", "--", "sh", "-c",
         "ci=$PPID; trap '(sleep 0.3; kill -CONT $ci) & exit 5' INT; kill -STOP $ci; echo ready; "
         "while :; do sleep 0.01; done"},
        {"PORTGUARD_CONFIG=/dev/null"}, 80, 24);
    ASSERT_TRUE(eventually([&] { return terminal.written().find("ready") != std::string::npos; }));
    terminal.type("\x03");
    const int status = terminal.wait_for_end();
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 5) << status;
    EXPECT_NE(terminal.written().find("no failure in 0 events"), std::string::npos) << terminal.written();
}

TEST_F(Ci, PrintsItsReportAsJsonAloneOnStandardOutput) {
    const TemporaryFolder folder;
    for (const char* const option : {"--json", "--format=json"}) {
        const Finished finished = portguard(ci({option}, fighting_suite(folder)));
        EXPECT_TRUE(finished.exited_with(0)) << finished;
        const auto answer = nlohmann::json::parse(finished.out);
        EXPECT_EQ(violation(schema_of("ci"), answer), "") << finished;
        EXPECT_EQ(answer["failures"][0]["event"], "in_use") << finished;
        EXPECT_EQ(answer["exit_status"], 0);
    }
    const Finished failed = portguard({"ci", "-j", "--", "sh", "-c", "echo said; exit 3"});
    EXPECT_TRUE(failed.exited_with(3)) << failed;
    EXPECT_EQ(nlohmann::json::parse(failed.out)["exit_status"], 3);
    EXPECT_NE(failed.err.find("said"), std::string::npos) << failed;
}

TEST(CiStatus, IsTheSignalThatTheCommandDiedOf) {
    for (const int number : {SIGTERM, SIGKILL}) {
        const Finished finished = portguard({"ci", "sh", "-c", "kill -" + std::to_string(number) + " $$"});
        EXPECT_EQ(finished.signal, number) << finished;
    }
}

TEST(CiRun, PassesSignalsOn) {
    for (const int number : {SIGTERM, SIGINT, SIGUSR1}) {
        const std::string trap =
            "trap 'exit 5' " + std::to_string(number) + "; echo ready; sleep 1000 & wait";
        Process process(command_spec({"ci", "sh", "-c", trap}));
        ASSERT_TRUE(eventually([&process] { return process.out() == "ready\n"; })) << process.err();
        process.send_signal(number);
        EXPECT_TRUE(process.finish().exited_with(5)) << number;
    }
}

TEST(CiRun, LeavesStreamsMaskAndDescriptorsAsTheyWere) {
    const Words question{"sh", "-c", "ls /proc/self/fd; grep -E 'Sig(Blk|Ign)' /proc/self/status"};
    EXPECT_EQ(portguard(ci({}, question)).out, run_process({.argv = question}).out);
}

TEST(CiRun, ReapsWhatItAdopts) {
    const Finished finished = portguard({"ci", "sh", "-c",
                                         "(sleep 0.1 & echo $! >/dev/null; exec true); sleep 0.4; ps -o "
                                         "stat= --ppid $PPID | grep -c Z; true"});
    EXPECT_EQ(finished.out, "0\n") << finished;
}

TEST(CiRun, EndsWithTheCommandWhateverItLeavesBehind) {
    const Finished finished = portguard({"ci", "sh", "-c", "sleep 5 & echo $!"});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_FALSE(finished.timed_out);
    ::kill(std::stoi(finished.out), SIGKILL);
}

TEST_F(Ci, NamesBothSidesAndTheProcessesAboveThem) {
    const TemporaryFolder folder;
    // On a busy machine 200 ms are over before the holder is found.
    const Finished finished = portguard(
        ci({"--budget-ms=10000", "--log=file:" + folder.file("ports.log")}, fighting_suite(folder, 3)));
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_EQ(finished.out, "");
    for (const std::string& part :
         {std::string("portguard: 1 failure in 3 events\n"),
          std::string("]: bind tcp 127.0.0.1:8080: in use (EADDRINUSE)\n  times    3 times, "),
          "             python3 " + folder.file("asker.py") + "\n  held     127.0.0.1:8080 LISTEN",
          "             python3 " + folder.file("holder.py") + "\n",
          "  replay   portguard repro " + folder.file("ports.log") + " --event 1\n",
          std::string("  asked    sh["), std::string(" programs seen; looked at every 50 ms")}) {
        EXPECT_NE(finished.err.find(part), std::string::npos) << part << "is not in\n" << finished;
    }
}

TEST_F(Ci, WithLeaseKeepsAPickedPortForTheTree) {
    const std::string pick = "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); "
                             "print(s.getsockname()[1]); s.close()";
    const std::string serve = "import socket, sys; s = socket.socket(); "
                              "s.bind(('127.0.0.1', int(sys.argv[1]))); s.listen()";
    const Words suite{"sh", "-c",
                      "port=$(python3 -c \"" + pick + "\"); unguarded=$(env -u LD_PRELOAD python3 -c \"" +
                          serve + "\" $port 2>&1 | grep -c 'already in use'); python3 -c \"" + serve +
                          "\" $port && exit $((unguarded + 6))"};
    const auto by_library = [&suite](Words options) {
        options.emplace_back("--front-end=preload");
        return portguard(ci(options, suite));
    };
    EXPECT_TRUE(by_library({"--lease"}).exited_with(7));
    EXPECT_TRUE(by_library({}).exited_with(6)) << "nothing is changed without it";
    EXPECT_TRUE(by_library({"--lease=off"}).exited_with(6));
}

TEST_F(Ci, FailsOnlyOnWhatItIsToldToFailOn) {
    const TemporaryFolder folder;
    const std::pair<Words, int> cases[] = {{{"--fail-on=in-use"}, 1},
                                           {{"--fail-on=never"}, 0},
                                           {{"--fail-on=refused"}, 0},
                                           {{"--fail-on=refused", "--listen=9000"}, 1}};
    for (const auto& [options, status] : cases) {
        const Finished finished = portguard(ci(options, fighting_suite(folder)));
        EXPECT_TRUE(finished.exited_with(status)) << finished;
    }
    EXPECT_TRUE(refused_with(portguard({"ci", "--fail-on=always", "true"}), 2, {"--fail-on=always"}));
}

TEST_F(Ci, WritesReportsAndCountsItsOwnEventsAlone) {
    const TemporaryFolder folder;
    const std::string log = folder.file("ports.log");
    const Words options{"--log=file:" + log,       "--junit", folder.file("ports.xml"), "--html",
                        folder.file("ports.html"), "--github"};
    const Words suite = fighting_suite(folder);
    portguard(ci(options, suite));
    const Finished second = portguard(ci(options, suite));
    EXPECT_NE(second.err.find("portguard: 1 failure in 1 event\n"), std::string::npos) << second;
    EXPECT_NE(second.err.find("portguard repro " + log + " --event 2"), std::string::npos) << second;
    EXPECT_NE(second.err.find("\n::error title=bind tcp 127.0.0.1%3A8080"), std::string::npos) << second;
    EXPECT_GT(std::filesystem::file_size(folder.file("ports.xml")), 0U);
    EXPECT_GT(std::filesystem::file_size(folder.file("ports.html")), 0U);
    const Finished events = portguard({"events", "--json", log});
    EXPECT_EQ(nlohmann::json::parse(events.out)["events"], 2);
}

/// What a program finds of `portguard run OPTIONS` below `portguard ci` with `setting`.
std::string variables_below(const Words& ci_options, const std::string& run, const std::string& setting) {
    const Finished finished =
        portguard(ci(ci_options, {"sh", "-c", PORTGUARD_COMMAND + (" " + run)}), {.environment = {setting}});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    return finished.out;
}

TEST(CiAroundRun, LeavesItsSettingsAsTheyWereBefore) {
    const std::string plain = variables_below({}, "run env", "A=b");
    for (const char* const name :
         {"PORTGUARD_MODE", "PORTGUARD_LOG", "PORTGUARD_CI_MODE", "PORTGUARD_CI_LOG"}) {
        EXPECT_EQ(variable_in(plain, name), "(unset)") << plain;
    }
    EXPECT_EQ(preload_entries(variable_in(plain, "LD_PRELOAD")), Words{own_preload_entry()});
    const std::string set_before = variables_below({}, "run env", "PORTGUARD_MODE=off");
    EXPECT_EQ(variable_in(set_before, "PORTGUARD_MODE"), "off");
    EXPECT_EQ(
        variable_in(variables_below({}, "run --mode=enforce env", "PORTGUARD_MODE=off"), "PORTGUARD_MODE"),
        "enforce");
    EXPECT_EQ(variable_in(variables_below({}, "ci -- " PORTGUARD_COMMAND " run env", "PORTGUARD_MODE=off"),
                          "PORTGUARD_MODE"),
              "off");
}

TEST(CiAroundRun, HandsOnWhatWasGivenToIt) {
    const std::string given =
        variables_below({"--mode=observe", "--listen=9000"}, "run env", "PORTGUARD_MODE=off");
    EXPECT_EQ(variable_in(given, "PORTGUARD_MODE"), "observe");
    EXPECT_EQ(variable_in(given, "PORTGUARD_LISTEN"), "9000");
}

TEST_F(Ci, LetsARunBelowRefuseAndTellAndTellsOfItAsWell) {
    const TemporaryFolder folder;
    const Words suite{"sh", "-c",
                      PORTGUARD_COMMAND " run --listen=9000 python3 " + folder.write("asker.py", asking)};
    const Finished finished = portguard(ci({"--fail-on=refused"}, suite));
    EXPECT_TRUE(finished.exited_with(1)) << finished;
    for (const char* const part :
         {"]: bind tcp 127.0.0.1:8080: refused (EACCES): outside listen=9000\n  lasting ",
          "\nportguard: 1 failure in 1 event\n\n#1 python3["}) {
        EXPECT_NE(finished.err.find(part), std::string::npos) << part << "is not in\n" << finished;
    }
}

TEST_F(Ci, CountsWhatIsToldInOneLineAsWell) {
    const TemporaryFolder folder;
    const Finished finished = portguard(ci({"--diagnosis=line", "--listen=9000", "--fail-on=refused"},
                                           {"python3", folder.write("asker.py", asking)}));
    EXPECT_TRUE(finished.exited_with(1)) << finished;
    for (const char* const part :
         {"portguard: 1 failure in 1 event\n", "refused (EACCES)", "outside listen=9000"}) {
        EXPECT_NE(finished.err.find(part), std::string::npos) << part << " is not in\n" << finished;
    }
}

TEST(CiLog, GoesWhereNothingHappened) {
    const TemporaryFolder folder;
    const std::string setting = "TMPDIR=" + folder.path().string();
    EXPECT_TRUE(portguard({"ci", "true"}, {.environment = {setting}}).exited_with(0));
    EXPECT_TRUE(portguard({"ci", "/no/such"}, {.environment = {setting}}).exited_with(127));
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(CiLog, HasToBeAFileThatTheGuardWouldWrite) {
    const TemporaryFolder folder;
    ASSERT_EQ(::mkfifo(folder.file("fifo").c_str(), 0600), 0);
    std::vector<std::string> logs{"stderr", "file:" + folder.file("%p.log"), "file:" + folder.file("fifo")};
    for (const auto& [path, reason] : make_forbidden_logs(folder)) {
        logs.push_back("file:" + path);
    }
    for (const std::string& log : logs) {
        const Finished finished = portguard({"ci", "--log=" + log, "true"});
        EXPECT_TRUE(refused_with(finished, 2, {"--log=file:PATH names"})) << log;
    }
    EXPECT_TRUE(refused_with(portguard({"ci", "--record=file:/x", "true"}), 2, {"--log=file:PATH"}));
}

TEST(CiCoverage, NamesTheProgramsThatTheGuardIsNotIn) {
    const Finished finished = portguard({"ci", "--front-end=preload", "sh", "-c",
                                         PORTGUARD_SLEEPING_PROGRAM " 1; env -i /bin/sleep 1; /bin/sleep 1"});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    for (const char* const part : {"portguard: the guard was in ",
                                   "looked at every 50 ms, so that shorter-lived ones may be missing\n",
                                   "  not in '" PORTGUARD_SLEEPING_PROGRAM "' is statically linked: ",
                                   "sleep' was started with an environment without LD_PRELOAD\n"}) {
        EXPECT_NE(finished.err.find(part), std::string::npos) << part << " is not in\n" << finished;
    }
    EXPECT_EQ(finished.err.find("sleep' was started with an environment without LD_PRELOAD ("),
              std::string::npos)
        << "the second sleep has the guard in it\n"
        << finished;
}

} // namespace
} // namespace portguard::test
