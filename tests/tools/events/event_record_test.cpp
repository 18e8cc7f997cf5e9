#include "tools/events/event_record.h"

#include <cerrno>

#include <gtest/gtest.h>

#include "core/event_json.h"
#include "core/text.h"
#include "tools/events/event_words.h"
#include "tools/support/event_samples.h"

namespace portguard::tools {
namespace {

using nlohmann::json;
using test::sample_event;
using test::scripted_event;

std::string printed(const Endpoint& endpoint) {
    Text<64> text;
    print_endpoint(endpoint, text);
    return std::string(text.view());
}

std::string problem_of(const json& event) {
    const ParsedEvent parsed = parse_event(event.dump());
    EXPECT_FALSE(parsed.event.has_value());
    return parsed.problem;
}

TEST(EventRecord, HoldsWhatTheLineSays) {
    const std::string line = sample_event().dump();
    const ParsedEvent parsed = parse_event(line);
    ASSERT_TRUE(parsed.event.has_value()) << parsed.problem;
    const EventRecord& event = *parsed.event;
    EXPECT_EQ(event.kind, EventKind::in_use);
    EXPECT_EQ(event.call, Call::bind);
    EXPECT_EQ(event.error, EADDRINUSE);
    EXPECT_EQ(event.protocol, Protocol::tcp);
    EXPECT_EQ(printed(event.asked), "127.0.0.1:40000");
    EXPECT_EQ(event.instant.count(), 1795370484960);
    EXPECT_EQ(event.fd, 3);
    EXPECT_EQ(event.options.reuseaddr, true);
    EXPECT_EQ(event.options.v6only, std::nullopt);
    EXPECT_EQ(event.process.pid, 5864);
    EXPECT_EQ(event.process.tid, 5865);
    EXPECT_EQ(event.process.argv->back(), "http.server");
    EXPECT_EQ(event.process.netns, 4026532246U);
    ASSERT_EQ(event.process.ancestors.size(), 2U);
    EXPECT_EQ(event.process.ancestors[0].comm, "pytest");
    ASSERT_EQ(event.stack.size(), 2U);
    EXPECT_EQ(event.stack[0].symbol, std::nullopt);
    EXPECT_EQ(event.stack[1].line, 20);
    EXPECT_EQ(event.cause, "outgoing_connection");
    ASSERT_EQ(event.cures.size(), 2U);
    EXPECT_FALSE(event.cures[0].lasting);
    EXPECT_TRUE(event.cures[1].lasting);
    EXPECT_EQ(event.count, 2U);
    EXPECT_EQ(event.missing, std::vector<std::string>{"a thing"});
    EXPECT_EQ(event.json, line);
}

TEST(EventRecord, HoldsTheScript) {
    const ParsedEvent parsed = parse_event(scripted_event().dump());
    ASSERT_TRUE(parsed.event.has_value()) << parsed.problem;
    const EventRecord& event = *parsed.event;
    EXPECT_TRUE(event.stack[0].is_interpreters);
    EXPECT_FALSE(event.stack[1].is_interpreters) << "an older version's line does not say";
    ASSERT_EQ(event.script.size(), 2U);
    EXPECT_EQ(event.script[0].function, "Server.start");
    EXPECT_EQ(event.script[0].file, "/srv/app/serve.py");
    EXPECT_EQ(event.script[0].line, 7);
    EXPECT_EQ(event.script[1].function, std::nullopt);
    EXPECT_EQ(event.script[1].line, std::nullopt);
}

TEST(EventRecord, HoldsTheHolders) {
    const ParsedEvent parsed = parse_event(sample_event().dump());
    ASSERT_TRUE(parsed.event.has_value()) << parsed.problem;
    ASSERT_EQ(parsed.event->holders.size(), 1U);
    const RecordedHolder& holder = parsed.event->holders.front();
    EXPECT_EQ(printed(holder.local), "127.0.0.1:40000");
    EXPECT_EQ(printed(*holder.remote), "127.0.0.1:7000");
    EXPECT_EQ(holder.state, SocketState::established);
    EXPECT_EQ(holder.options.reuseaddr, false);
    EXPECT_EQ(holder.options.reuseport, std::nullopt);
    EXPECT_EQ(holder.timer_s, std::nullopt);
    ASSERT_EQ(holder.owners.size(), 1U);
    EXPECT_EQ(holder.owners[0].pid, 5855);
    EXPECT_EQ(holder.owners[0].argv->back(), "uploader.py");
    EXPECT_EQ(holder.owners[0].ancestors[0].pid, 5800);
}

json unix_event() {
    json event = sample_event();
    event["protocol"] = event["family"] = "unix";
    event["address"] = event["holders"][0]["local"]["address"] = "/run/x.sock";
    event["port"] = event["holders"][0]["local"]["port"] = 0;
    event["holders"][0]["remote"] = nullptr;
    event["holders"][0]["state"] = "LISTEN";
    event["cause"] = "unix_listener";
    return event;
}

TEST(EventRecord, HoldsThePathOfAUnixSocket) {
    const ParsedEvent parsed = parse_event(unix_event().dump());
    ASSERT_TRUE(parsed.event.has_value()) << parsed.problem;
    EXPECT_EQ(parsed.event->unix_name, "/run/x.sock");
    EXPECT_EQ(outcome_of(*parsed.event), "bind unix /run/x.sock: in use (EADDRINUSE)");
    EXPECT_EQ(describe(parsed.event->holders.front()), "/run/x.sock LISTEN");
    EXPECT_EQ(replay_command(*parsed.event, "x.log", 1), "") << "repro makes ports again";
}

TEST(EventRecord, LeavesUnknownEmpty) {
    json event = sample_event();
    for (const char* const name : {"tid", "uid", "exe", "argv", "cwd", "netns"}) {
        event["process"][name] = nullptr;
    }
    event["errno"] = nullptr;
    event["family"] = nullptr;
    event["address"] = nullptr;
    event["holders"] = json::array();
    const ParsedEvent parsed = parse_event(event.dump());
    ASSERT_TRUE(parsed.event.has_value()) << parsed.problem;
    EXPECT_EQ(parsed.event->error, std::nullopt);
    EXPECT_EQ(parsed.event->asked.family, Family::other);
    EXPECT_EQ(parsed.event->asked.port, 40000);
    EXPECT_EQ(parsed.event->process.argv, std::nullopt);
    EXPECT_EQ(parsed.event->process.uid, std::nullopt);
}

TEST(EventRecord, PassesOverFieldsOfALaterVersion) {
    json event = sample_event();
    event["mood"] = {{"is", "new"}};
    event["holders"][0]["mood"] = 1;
    event["cause"] = "a_new_one";
    EXPECT_TRUE(parse_event(event.dump()).event.has_value());
}

TEST(EventRecord, SaysWhichFieldIsWrong) {
    const std::pair<const char*, std::string> cases[] = {
        {"/process/pid", "`process.pid` is of type string and should be an integer from 0 to 2147483647"},
        {"/port", "`port` is of type string and should be an integer from 0 to 65535"},
        {"/call", "`call` is 'x?y', which is none of the schema's"},
        {"/errno", "`errno` is 'x?y', which is none of the schema's"},
        {"/holders/0/state", "`holders[0].state` is 'x?y', which is none of the schema's"},
        {"/holders/0/owners", "`holders[0].owners` is of type string and should be an array of objects"},
        {"/holders/0/local/address", "`holders[0].local.address` is 'x?y', which is none of the schema's"},
        {"/time", "`time` is 'x?y', which is none of the schema's"},
        {"/socket", "`socket` is of type string and should be an object"},
        {"/socket/reuseaddr", "`socket.reuseaddr` is of type string and should be a boolean or null"},
        {"/cures/0/when", "`cures[0].when` is 'x?y', which is none of the schema's"},
        {"/family", "`family` and `address` do not agree"},
    };
    for (const auto& [pointer, complaint] : cases) {
        json event = sample_event();
        event[json::json_pointer(pointer)] = "x\ny";
        EXPECT_EQ(problem_of(event), complaint);
    }
    json event = sample_event();
    event.erase("cause");
    EXPECT_EQ(problem_of(event), "`cause` is missing");
}

TEST(EventRecord, TakesNoNumberThatDoesNotFit) {
    for (const json& port : {json(-1), json(65536), json(80.5), json(1e30)}) {
        json event = sample_event();
        event["port"] = port;
        EXPECT_TRUE(problem_of(event).ends_with("' and should be an integer from 0 to 65535"));
    }
}

TEST(EventRecord, TakesNoDateThatDoesNotExist) {
    for (const char* const time : {"2026-02-30T00:00:00.000Z", "2026-11-22T24:00:00.000Z",
                                   "2026-11-22T18:01:24.960+", "2026-11-22 18:01:24.960Z", "", "x"}) {
        json event = sample_event();
        event["time"] = time;
        EXPECT_FALSE(parse_event(event.dump()).event.has_value()) << time;
    }
}

TEST(EventRecord, OfALaterSchemaIsASentence) {
    json event = sample_event();
    event["schema"] = 2;
    EXPECT_EQ(problem_of(event), "it is of schema 2 and this portguard reads schema 1; the portguard that "
                                 "wrote it reads it");
}

TEST(EventRecord, MayBeWhatIsWrittenWithoutTheModule) {
    Event event{EventKind::refused, Call::bind, Protocol::tcp, EACCES, 4242, "nginx", {}};
    event.asked = {Family::ipv4, false, 20000, {10, 1, 2, 3}};
    Text<plain_event_capacity> line;
    print_event_json(event, {.fd = 7, .exe = "/usr/sbin/nginx", .reason = "outside listen=80"}, line);
    const ParsedEvent parsed = parse_event(line.view());
    ASSERT_TRUE(parsed.event.has_value()) << parsed.problem << line.view();
    EXPECT_EQ(parsed.event->kind, EventKind::refused);
    EXPECT_EQ(parsed.event->error, EACCES);
    EXPECT_EQ(printed(parsed.event->asked), "10.1.2.3:20000");
    EXPECT_EQ(parsed.event->process.exe, "/usr/sbin/nginx");
    EXPECT_EQ(parsed.event->sentence, "outside listen=80");
}

TEST(EventRecord, OfSomethingElseIsASentence) {
    EXPECT_EQ(parse_event("").problem, "it is not JSON");
    EXPECT_EQ(parse_event("{\"schema\": 1").problem, "it is not JSON");
    EXPECT_EQ(parse_event("[]").problem, "it is of type array and should be an object");
    EXPECT_EQ(parse_event("{}").problem, "`schema` is missing");
    EXPECT_EQ(parse_event(std::string(64, '[') + std::string(64, ']')).problem,
              "it is of type array and should be an object");
    EXPECT_EQ(parse_event(std::string(65, '[') + std::string(65, ']')).problem,
              "it is nested more than 64 deep, which no event is");
    EXPECT_EQ(parse_event(std::string(100000, '[')).problem,
              "it is nested more than 64 deep, which no event is");
}

} // namespace
} // namespace portguard::tools
