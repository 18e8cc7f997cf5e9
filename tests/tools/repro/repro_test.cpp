// `portguard repro` as a person at a terminal has it.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/temporary_folder.h"
#include "tools/support/command.h"
#include "tools/support/schema.h"

namespace portguard::test {
namespace {

std::string recorded(const std::string& name) {
    return std::string(PORTGUARD_CORPUS "/") + name + ".json";
}

/// A program that needs 127.0.0.1:PORT for a moment, and fails where it is in use.
Words server_on(const std::string& port, const std::string& then = "") {
    return {"/usr/bin/python3", "-c",
            "import socket, time; s = socket.socket(); s.bind(('127.0.0.1', " + port + ")); s.listen(); " +
                then};
}

Finished repro(const std::string& name, Words options, const Words& program = {}) {
    Words words{"repro", recorded(name)};
    words.insert(words.end(), options.begin(), options.end());
    if (!program.empty()) {
        words.emplace_back("--");
        words.insert(words.end(), program.begin(), program.end());
    }
    return portguard(words);
}

nlohmann::json replays_of(const Finished& finished) {
    const auto document = nlohmann::json::parse(finished.out);
    EXPECT_EQ(violation(schema_of("repro"), document), "") << finished;
    return document["replays"];
}

TEST(Repro, AProgramMeetsWhatTheEventTellsOf) {
    const Finished finished = repro("outgoing_connection", {"--json"}, server_on("40000"));
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    const auto program = replays_of(finished)[0]["program"];
    EXPECT_EQ(program["errno"], "EADDRINUSE") << finished;
    EXPECT_EQ(program["cause"], "outgoing_connection") << finished;
    EXPECT_EQ(program["exit_status"], 1) << finished;
}

TEST(Repro, TheTableShowsWhichCureWorks) {
    const Finished finished =
        repro("outgoing_connection", {"--json", "--with-fix=reuseaddr,split"}, server_on("40000"));
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    const auto replays = replays_of(finished);
    ASSERT_EQ(replays.size(), 3U) << finished;
    EXPECT_EQ(replays[0]["program"]["exit_status"], 1) << finished;
    EXPECT_EQ(replays[1]["fix"], "reuseaddr");
    EXPECT_EQ(replays[1]["program"]["event"], "cured") << finished;
    EXPECT_EQ(replays[1]["program"]["exit_status"], 0) << finished;
    EXPECT_EQ(replays[2]["fix"], "split");
    EXPECT_EQ(replays[2]["program"]["errno"], nullptr) << finished;
    EXPECT_EQ(replays[2]["program"]["exit_status"], 0) << finished;
}

TEST(Repro, NoCureHelpsAgainstAListener) {
    const Finished finished = repro("listener_other_program", {"--json", "--probe", "--with-fix=all"});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    const auto replays = replays_of(finished);
    ASSERT_EQ(replays.size(), 4U) << finished;
    for (const auto& replay : replays) {
        EXPECT_EQ(replay["errno"], "EADDRINUSE") << finished;
    }
}

TEST(Repro, EqualLinesAreOne) {
    std::ifstream file(recorded("outgoing_time_wait"));
    auto event = nlohmann::json::parse(file);
    const auto holder = event["holders"][0];
    for (int count = 1; count < 12; ++count) {
        event["holders"].push_back(holder);
        event["holders"].back()["remote"]["port"] = 7000 + count;
    }
    const TemporaryFolder folder;
    const Finished finished = portguard({"repro", folder.write("log", event.dump() + "\n"), "--probe"});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    for (const char* const line : {"127.0.0.1:40000 TIME_WAIT, SO_REUSEADDR off (12 times)",
                                   "SO_REUSEADDR of 127.0.0.1:40000 TIME_WAIT, taken as off (12 times)"}) {
        EXPECT_NE(finished.out.find(line), std::string::npos) << finished;
    }
    EXPECT_LE(std::count(finished.out.begin(), finished.out.end(), '\n'), 6) << finished;
}

TEST(Repro, SaysInASentenceThatItHasAndHowTheProgramEnded) {
    const Finished finished = repro("outgoing_connection", {}, server_on("40000"));
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_NE(finished.out.find("reproduced: yes, the program ended with 1 (EADDRINUSE"), std::string::npos)
        << finished;
}

TEST(Repro, AProgramThatAsksForAnotherPortDoesNotReproduce) {
    const Finished finished = repro("outgoing_connection", {}, server_on("10000"));
    EXPECT_TRUE(finished.exited_with(1)) << finished;
    EXPECT_NE(finished.out.find("reproduced: no, the condition is there"), std::string::npos) << finished;
}

TEST(Repro, WithoutTheShimTheProgramMeetsTheKernelAlone) {
    const Finished finished = repro("own_time_wait", {"--json", "--without-shim"}, server_on("10000"));
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_EQ(replays_of(finished)[0]["program"]["exit_status"], 1) << finished;
    EXPECT_EQ(replays_of(finished)[0]["program"]["event"], nullptr) << finished;
}

TEST(Repro, APlanRefusesAgain) {
    const Finished finished = repro("outside_plan", {"--event=1", "--json"}, server_on("20000"));
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_EQ(replays_of(finished)[0]["program"]["event"], "refused") << finished;
    const Finished wider = repro("outside_plan", {"--event=1", "--listen=5000-25000"}, server_on("20000"));
    EXPECT_TRUE(wider.exited_with(1)) << wider;
}

TEST(Repro, AServerThatServesIsEnded) {
    const Finished finished = repro("outgoing_connection", {"--json", "--with-fix=split", "--for=3s"},
                                    server_on("40000", "time.sleep(3600)"));
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_EQ(replays_of(finished)[1]["program"]["was_ended"], true) << finished;
}

/// An event like `name`'s, as somebody else may have written it.
std::string changed(const TemporaryFolder& folder, const std::string& name,
                    const std::function<void(nlohmann::json&)>& change) {
    std::ifstream original(recorded(name));
    auto event = nlohmann::json::parse(original);
    change(event);
    std::ofstream(folder.file("log")) << event.dump() << "\n";
    return folder.file("log");
}

TEST(Repro, ACommandThatIsNotHereLeavesTheProbe) {
    const TemporaryFolder folder;
    const std::string log = changed(folder, "bound_only", [](auto& event) {
        event["process"]["argv"] = {"/nowhere/server"};
        event["process"]["exe"] = "/nowhere/server";
    });
    const Finished finished = portguard({"repro", log});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_NE(finished.err.find("only the probe is made"), std::string::npos) << finished;
}

TEST(Repro, TheCommandOfTheEventIsToldBeforeItStarts) {
    const TemporaryFolder folder;
    const std::string log = changed(folder, "bound_only", [](auto& event) {
        event["process"]["argv"] = {"/bin/sh", "-c", "printf started >&2", "\x1b]0;title\x07"};
        event["process"]["cwd"] = "/";
    });
    const Finished finished = portguard({"repro", log});
    EXPECT_EQ(finished.err, "portguard: PROGRAM is the command of the event: /bin/sh -c printf started >&2 "
                            "?]0;title? in /\nstarted")
        << finished;
}

TEST(Repro, NoWordOfAnEventReachesTheTerminalAsItIs) {
    const TemporaryFolder folder;
    const std::string log = changed(folder, "bound_only", [](auto& event) {
        event["cause"] = "bound_only\x1b]0;title\x07\nnot reproduced";
    });
    const Finished finished = portguard({"repro", "--probe", log});
    EXPECT_TRUE(finished.exited_with(1)) << finished;
    EXPECT_EQ(finished.out.find('\x1b'), std::string::npos) << finished;
    EXPECT_NE(finished.out.find("bound_only?]0;title??not reproduced"), std::string::npos) << finished;
}

TEST(Repro, APrivilegedPortInsideTheUsualRangeIsMadeAgain) {
    const TemporaryFolder folder;
    const std::string log = changed(folder, "privileged_port", [](auto& event) { event["port"] = 40000; });
    const Finished finished = portguard({"repro", "--probe", "--event=1", log});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
}

TEST(Repro, NothingOfTheHostIsTouched) {
    const auto range = [] {
        std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range");
        std::string line;
        std::getline(file, line);
        return line;
    };
    const std::string before = range();
    ASSERT_TRUE(repro("no_port_left_for_connect", {"--event=1", "--probe"}).exited_with(0));
    EXPECT_EQ(range(), before);
}

TEST(Repro, WhereNamespacesAreForbiddenASentenceSaysSo) {
    const std::string command = "echo 0 >/proc/sys/user/max_net_namespaces && exec " +
                                std::string(PORTGUARD_COMMAND) + " repro --probe " + recorded("bound_only");
    const Finished finished =
        run_process({.argv = {"unshare", "--user", "--map-root-user", "sh", "-c", command},
                     .environment = {"PORTGUARD_CONFIG=/dev/null"}});
    EXPECT_TRUE(refused_with(finished, 1, {"no private network namespace", "unshare", "root needs none"}));
}

TEST(Repro, MistakesAreSentences) {
    EXPECT_TRUE(refused_with(repro("bound_only", {"--event=2"}), 2, {"event 2", "portguard events"}));
    EXPECT_TRUE(refused_with(repro("bound_only", {"--event=x"}), 2, {"event=x"}));
    EXPECT_TRUE(refused_with(repro("outside_plan", {}), 2, {"kind in_use", "--event=N"}));
    EXPECT_TRUE(refused_with(repro("bound_only", {"--with-fix=hope"}), 2, {"with-fix=hope", "reuseaddr"}));
    EXPECT_TRUE(refused_with(portguard({"repro", "/nowhere/log"}), 2, {"/nowhere/log"}));
}

} // namespace
} // namespace portguard::test
