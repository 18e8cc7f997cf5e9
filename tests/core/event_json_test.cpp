#include "core/event_json.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <ctime>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "core/making.h"

namespace portguard {
namespace {

using test::written;

Event event(EventKind kind, int error, const test::SocketAddress& asked) {
    return {kind, Call::bind, Protocol::tcp, error, 4242, "nginx", read_endpoint(asked.get(), asked.length)};
}

std::string json(const Event& told, const PlainFacts& facts) {
    return written([&](TextWriter& out) { print_event_json(told, facts, out); });
}

TEST(EventJson, IsTheEventWithNullForWhatNobodyHasLookedUp) {
    const PlainFacts facts{.now = {1795370484, 60'999'999},
                           .fd = 3,
                           .exe = "/usr/sbin/nginx",
                           .reason = "outside listen=5000-14999",
                           .missing = {}};
    EXPECT_EQ(
        json(event(EventKind::refused, EACCES, test::ipv4("127.0.0.1", 20000)), facts),
        R"({"schema":1,"time":"2026-11-22T18:01:24.060Z","event":"refused","call":"bind","errno":"EACCES",)"
        R"("family":"ipv4","protocol":"tcp","address":"127.0.0.1","port":20000,"socket":{"fd":3,)"
        R"("reuseaddr":null,"reuseport":null,"v6only":null,"device":null},"process":{"pid":4242,"tid":null,)"
        R"("uid":null,"exe":"/usr/sbin/nginx","argv":null,"cwd":null,"netns":null,"ancestors":[]},"stack":[],)"
        R"("script":[],"holders":[],"picked":null,"ports":null,"cause":"outside_plan",)"
        R"("sentence":"outside listen=5000-14999","evidence":[],"cures":[],"count":1,"missing":[]})");
}

TEST(EventFields, StandInTheOrderOfTheirList) {
    std::size_t index = 0;
    for (const NamedEventField& entry : event_fields) {
        EXPECT_EQ(static_cast<std::size_t>(entry.field), index++) << entry.name;
    }
    EXPECT_EQ(index, static_cast<std::size_t>(EventField::missing) + 1);
}

TEST(EventJson, SaysWhyTheRestIsMissing) {
    const std::string line =
        json(event(EventKind::cured, 0, test::ipv6("::1", 80)), {.missing = "portguard-explain: not there"});
    for (const char* const part :
         {R"("time":"1970-01-01T00:00:00.000Z")", R"("errno":null)",
          R"("family":"ipv6","protocol":"tcp","address":"::1")", R"("exe":null)",
          R"("cause":"unknown","sentence":"cured")", R"("missing":["portguard-explain: not there"])"}) {
        EXPECT_NE(line.find(part), std::string::npos) << part << " is not in " << line;
    }
}

TEST(EventJson, HoldsTextsThatWouldEndAString) {
    const std::string line = json(event(EventKind::in_use, 4000, test::ipv4("0.0.0.0", 1)),
                                  {.exe = "/odd\xff", .reason = "a\"b\\c\n\xff\x1b[31m"});
    EXPECT_NE(line.find(R"("sentence":"a\"b\\c???[31m")"), std::string::npos) << line;
    EXPECT_NE(line.find(R"("exe":null)"), std::string::npos) << "with '?' it would be another file's name";
    EXPECT_NE(line.find(R"("errno":"errno 4000")"), std::string::npos) << line;
}

TEST(EventJson, FitsItsCapacityWhateverItHolds) {
    const std::string quotes(5000, '"');
    constexpr std::int64_t end_of_9999 = 253402300799;
    constexpr auto latest =
        static_cast<time_t>(std::min<std::int64_t>(end_of_9999, std::numeric_limits<time_t>::max()));
    PlainFacts facts{.now = {latest, 999'999'999}, .fd = 2147483647, .exe = quotes, .reason = quotes};
    facts.missing = quotes;
    Event told = event(EventKind::ephemeral_listener, 2147483647,
                       test::ipv6("1111:2222:3333:4444:5555:6666:7777:8888", 65535));
    told.call = Call::connect;
    told.pid = 2147483647;
    Text<plain_event_capacity - 1> line;
    print_event_json(told, facts, line);
    EXPECT_FALSE(line.truncated());
    EXPECT_TRUE(line.view().ends_with("]}")) << line.view();
}

} // namespace
} // namespace portguard
