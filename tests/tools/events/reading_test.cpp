// Yesterday's log, as the command reads it from wherever it is.
#include <fstream>
#include <thread>

#include "support/waiting.h"
#include "tools/events/log_time.h"
#include "tools/support/command.h"
#include "tools/support/event_samples.h"

namespace portguard::test {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

std::string line_at(tools::Instant instant, int port = 40000) {
    json event = sample_event();
    event["time"] = tools::text_of_instant(instant);
    event["port"] = port;
    return line_of(event);
}

struct EventsReading : testing::Test {
    TemporaryFolder folder;

    /// Prints `entries` and leaves its arguments in `folder`, in front of PATH.
    ProcessSpec with_journalctl(const std::string& entries, int exit_status = 0) const {
        const std::string script =
            folder.write("journalctl", "#!/bin/sh\nprintf '%s\\n' \"$@\" >'" + folder.file("arguments") +
                                           "'\ncat '" + folder.write("entries", entries) + "'\nexit " +
                                           std::to_string(exit_status) + "\n");
        std::filesystem::permissions(script, std::filesystem::perms::owner_all);
        return {.environment = {"PATH=" + folder.path().string() + ":/usr/bin:/bin", "TZ=UTC"}};
    }
    std::string arguments_of_journalctl() const {
        std::ifstream file(folder.file("arguments"));
        return {std::istreambuf_iterator<char>(file), {}};
    }
};

TEST_F(EventsReading, SaysWhenInDateZoneAndDay) {
    const auto now = tools::instant_now();
    const std::string log = folder.write("log", line_at(now - 24h));
    const Finished finished = portguard({"events", log}, {.environment = {"TZ=XYZ5"}});
    const std::string day = tools::text_of_instant(now - 24h - 5h).substr(0, 10);
    EXPECT_NE(finished.out.find("  times    2 times, " + day + " "), std::string::npos) << finished;
    EXPECT_NE(finished.out.find(" XYZ, yesterday\n"), std::string::npos) << finished;
}

TEST_F(EventsReading, KeepsToTheSpanThatIsAsked) {
    const auto now = tools::instant_now();
    const std::string log =
        folder.write("log", line_at(now - 49h, 1) + line_at(now - 25h, 2) + line_at(now - 30min, 3));
    const std::pair<Words, std::vector<int>> cases[] = {
        {{"--since=-1d"}, {3}},    {{"--since", "-1d"}, {3}}, {{"--since=1h"}, {3}},
        {{"--since=-2d"}, {2, 3}}, {{"--until=-1d"}, {1, 2}}, {{"--since=-2d", "--until=1h"}, {2}},
        {{"--since=now"}, {}},
    };
    for (const auto& [span, expected] : cases) {
        Words words{"events", "--json", log};
        words.insert(words.end(), span.begin(), span.end());
        std::vector<int> ports;
        const json answer = json::parse(portguard(words).out);
        for (const json& failure : answer["failures"]) {
            ports.push_back(failure["first_event"]["port"]);
        }
        EXPECT_EQ(ports, expected) << span.front();
    }
}

TEST_F(EventsReading, LeavesAReportWithoutATimeOutOfASpanAndSaysSo) {
    const std::string log = folder.write(
        "log", "portguard: python3[5861]: bind tcp 127.0.0.1:40000: in use (EADDRINUSE): held by x\n");
    const Finished finished = portguard({"events", "--since=yesterday", log});
    EXPECT_TRUE(finished.exited_with(1)) << finished;
    EXPECT_EQ(finished.err, "portguard: 1 event left out by --since or --until: the log names no time\n");
    EXPECT_NE(portguard({"events", log}).out.find("once, at a time that the log does not name"),
              std::string::npos);
    EXPECT_TRUE(refused_with(portguard({"repro", log}), 2, {"report for people"}));
}

TEST_F(EventsReading, AsksTheJournalForAUnitAndASpan) {
    const json entry{{"MESSAGE", "x"},
                     {"PORTGUARD_EVENT", sample_event().dump()},
                     {"__REALTIME_TIMESTAMP", "1795370484960000"}};
    const Finished finished = portguard({"events", "--journal", "--unit=redis-server", "--json",
                                         "--since=2026-11-22 18:00 UTC", "--until=2026-11-22 19:00 UTC"},
                                        with_journalctl(line_of(entry)));
    EXPECT_EQ(json::parse(finished.out)["events"], 1) << finished;
    EXPECT_EQ(arguments_of_journalctl(), "--output=json\n--all\n--no-pager\n--quiet\n--unit=redis-server\n"
                                         "--since=@1795370400\n--until=@1795374001\n");
}

TEST_F(EventsReading, SaysThatTheJournalCouldNotBeRead) {
    const Finished failed = portguard({"events", "--journal"}, with_journalctl("", 1));
    EXPECT_TRUE(failed.exited_with(1)) << failed;
    EXPECT_EQ(failed.err, "portguard: journalctl ended with 1\n");
    EXPECT_TRUE(refused_with(portguard({"events", "--journal"}, {.environment = {"PATH=/nonexistent"}}), 2,
                             {"journalctl cannot be run"}));
    EXPECT_TRUE(refused_with(portguard({"events", "--unit=x", "log"}), 2, {"--journal"}));
    EXPECT_TRUE(refused_with(portguard({"events"}), 2, {"no FILE is given"}));
}

TEST_F(EventsReading, FollowsAFileThatGrowsIsRenamedAndIsEmptied) {
    const std::string log = folder.write("log", line_at(tools::instant_now(), 1));
    Process program(command_spec({"events", "--follow", "--json", log}));
    const auto has_printed = [&program](long lines) {
        return eventually([&] {
            const std::string out = program.out();
            return std::count(out.begin(), out.end(), '\n') == lines;
        });
    };
    ASSERT_TRUE(has_printed(1)) << program.out();
    const std::string second = line_at(tools::instant_now(), 2);
    std::ofstream(log, std::ios::app) << second.substr(0, 100) << std::flush;
    std::ofstream(log, std::ios::app) << second.substr(100);
    ASSERT_TRUE(has_printed(2)) << program.out();
    std::filesystem::rename(log, log + ".1");
    static_cast<void>(folder.write("log", line_at(tools::instant_now(), 3)));
    ASSERT_TRUE(has_printed(3)) << program.out();
    std::filesystem::resize_file(log, 0);
    std::this_thread::sleep_for(600ms);
    std::ofstream(log, std::ios::app) << line_at(tools::instant_now(), 4);
    ASSERT_TRUE(has_printed(4)) << program.out();
    program.send_signal(SIGINT);
    EXPECT_EQ(program.finish().signal, SIGINT);
}

TEST_F(EventsReading, ShowsAFollowedEventAsItComes) {
    const std::string log =
        folder.write("log", line_at(tools::instant_now(), 1) + line_at(tools::instant_now(), 2));
    Process program(command_spec({"events", "--follow", "--port=2-9", log}));
    const auto has_printed = [&program](const char* words) {
        return eventually([&] { return program.out().find(words) != std::string::npos; });
    };
    ASSERT_TRUE(has_printed("#2 ")) << program.out();
    std::ofstream(log, std::ios::app) << line_at(tools::instant_now(), 2) << line_at(tools::instant_now(), 2);
    ASSERT_TRUE(has_printed("#4 ")) << program.out();
    EXPECT_NE(program.out().find("#3 "), std::string::npos);
    EXPECT_EQ(program.out().find("#1 "), std::string::npos);
    EXPECT_TRUE(refused_with(portguard({"events", "--follow", "--html=x", log}), 2, {"--follow"}));
}

TEST_F(EventsReading, FollowsAPipeToItsEnd) {
    const std::string log = folder.write("log", line_at(tools::instant_now(), 1));
    const Finished finished =
        run_process({.argv = {"sh", "-c", "cat \"$1\" | \"$0\" events --follow -", PORTGUARD_COMMAND, log},
                     .environment = command_spec({}).environment});
    EXPECT_TRUE(finished.out.starts_with("#1 python3[5864]: bind tcp 127.0.0.1:1: in use")) << finished;
    EXPECT_TRUE(finished.exited_with(0)) << finished;
}

} // namespace
} // namespace portguard::test
