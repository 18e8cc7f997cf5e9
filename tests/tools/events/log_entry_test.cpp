#include "tools/events/log_entry.h"

#include <gtest/gtest.h>

#include "core/event_json.h"
#include "tools/events/event_words.h"
#include "tools/events/text_event.h"
#include "tools/support/event_samples.h"

namespace portguard::tools {
namespace {

constexpr Instant now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 25).time_since_epoch();
const std::string report =
    "portguard: python3[5861]: bind tcp 127.0.0.1:40000: in use (EADDRINUSE): held by x";

std::string head_of(const Event& event) {
    Text<512> head;
    print_event_head(event, head);
    return std::string(head.view());
}

Event event_of(EventKind kind, Call call, Protocol protocol, int error) {
    Event event{kind, call, protocol, error, 4242, "my server[1]: x", {}};
    event.asked = {Family::ipv6, false, 80, {}};
    event.asked.address[15] = 1;
    return event;
}

TEST(TextEvent, IsEveryHeadThatTheGuardPrints) {
    const Event events[] = {
        event_of(EventKind::refused, Call::listen, Protocol::mptcp, EACCES),
        event_of(EventKind::in_use, Call::bind, Protocol::udp, EADDRINUSE),
        event_of(EventKind::cured, Call::bind, Protocol::tcp, 0),
        event_of(EventKind::exhausted, Call::connect, Protocol::tcp, EADDRNOTAVAIL),
        event_of(EventKind::unavailable, Call::bind, Protocol::tcp, EADDRNOTAVAIL),
        event_of(EventKind::privileged, Call::bind, Protocol::tcp, EACCES),
        event_of(EventKind::ephemeral_listener, Call::listen, Protocol::tcp, 0),
        event_of(EventKind::injected, Call::bind, Protocol::tcp, ENOBUFS),
        event_of(EventKind::invalid, Call::bind, Protocol::unknown, EINVAL),
    };
    for (const Event& event : events) {
        const auto read = read_text_event(head_of(event) + ": because (3 times)", now);
        ASSERT_TRUE(read.has_value()) << head_of(event);
        EXPECT_EQ(name_and_pid(read->process), "my server[1]: x[4242]");
        EXPECT_EQ("portguard: my server[1]: x[4242]: " + outcome_of(*read), head_of(event));
        EXPECT_EQ(read->sentence, "because");
        EXPECT_EQ(read->count, 3U);
        EXPECT_EQ(read->time, "2026-11-25T00:00:00.000Z");
        EXPECT_TRUE(read->is_from_text);
    }
}

TEST(TextEvent, KnowsAGroupByItsAddressAndAUnixSocketByItsName) {
    Event group = event_of(EventKind::joined, Call::setsockopt, Protocol::udp, EADDRINUSE);
    EXPECT_TRUE(head_of(group).ends_with(outcome_of(*read_text_event(head_of(group), now))))
        << head_of(group);
    Event named{EventKind::in_use, Call::bind, Protocol::unix_domain, EADDRINUSE, 1, "x", {}};
    named.unix_name = "/run/a: b";
    const auto read = read_text_event(head_of(named) + ": it listens", now);
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->unix_name, "/run/a: b");
}

TEST(TextEvent, IsNoErrorWhereItsSentenceShowsThatNoHarmIsDone) {
    const auto read =
        read_text_event("portguard: x[1]: bind tcp 0.0.0.0:80: in use (EADDRINUSE): this process "
                        "listens there already: fd 3, [::]:80 without IPV6_V6ONLY, takes IPv4 as well",
                        now);
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(level_of(*read), Level::info);
}

TEST(TextEvent, IsNothingElse) {
    for (const char* const line :
         {"", "portguard: ", "portguard: log=file:/x could not be opened (ENOENT); reported here",
          "portguard: x[1]: bind tcp 1.2.3.4:70000: in use", "portguard: x[1]: bind tcp 1.2.3:80: in use",
          "portguard: x[1]: bend tcp 1.2.3.4:80: in use", "portguard: x[1]: bind tcp 1.2.3.4:80: in useful",
          "portguard: x[1]: bind tcp 1.2.3.4:80: in use (EWHAT)", "x[1]: bind tcp 1.2.3.4:80: in use"}) {
        EXPECT_FALSE(read_text_event(line, now).has_value()) << line;
    }
}

struct EntryRow {
    std::string line;
    EntryKind kind;
    const char* time = "";
};

TEST(LogEntry, IsAnEventWhateverALoggerPutsAroundIt) {
    const std::string event = test::sample_event().dump();
    const std::string quoted = nlohmann::json(event).dump();
    const EntryRow rows[] = {
        {event, EntryKind::event, "2026-11-22T18:01:24.960Z"},
        {report, EntryKind::event},
        {"2026-11-24T18:22:08Z host portguard[5861]: " + report, EntryKind::event,
         "2026-11-24T18:22:08.000Z"},
        {"2026-11-24T18:22:08Z host nginx[1]: " + report, EntryKind::event, "2026-11-24T18:22:08.000Z"},
        {"2026-11-24T18:22:08Z stderr F " + report, EntryKind::event, "2026-11-24T18:22:08.000Z"},
        {"2026-11-24T18:22:08Z " + report, EntryKind::event, "2026-11-24T18:22:08.000Z"},
        {"2026-11-24T18:22:08Z host nginx[1]: " + event, EntryKind::event, "2026-11-22T18:01:24.960Z"},
        {"web-1  | " + report, EntryKind::event},
        {R"({"log":")" + report + R"(\n","stream":"stderr","time":"2026-11-24T18:22:08.5Z"})",
         EntryKind::event, "2026-11-24T18:22:08.500Z"},
        {R"({"MESSAGE":")" + report + R"(","__REALTIME_TIMESTAMP":"1763973728123456"})", EntryKind::event,
         "2025-11-24T08:42:08.123Z"},
        {R"({"MESSAGE":"x","PORTGUARD_EVENT":)" + quoted + R"(,"__REALTIME_TIMESTAMP":"1"})",
         EntryKind::event, "2026-11-22T18:01:24.960Z"},
        {R"({"MESSAGE":"started","__REALTIME_TIMESTAMP":"1"})", EntryKind::foreign},
        {R"({"MESSAGE":null,"__REALTIME_TIMESTAMP":"1"})", EntryKind::foreign},
        {R"({"MESSAGE":[112,111,255],"__REALTIME_TIMESTAMP":"1"})", EntryKind::foreign},
        {"2026-11-24T18:22:08Z host nginx[1]: started", EntryKind::foreign},
        {"portguard: log=file:/x could not be opened; reported here", EntryKind::note},
        {"portguard: 3" + std::string(lost_events_note), EntryKind::lost},
        {"started", EntryKind::unreadable},
        {"{", EntryKind::unreadable},
    };
    for (const EntryRow& row : rows) {
        const LogEntry entry = EntryReader(now).read(row.line);
        EXPECT_EQ(entry.kind, row.kind) << row.line;
        EXPECT_EQ(entry.event.has_value() ? entry.event->time : "", row.time) << row.line;
    }
}

TEST(LogEntry, HasTheLaterLinesOfAReportAsNotes) {
    EntryReader reader(now);
    EXPECT_EQ(reader.read("  cause    x").kind, EntryKind::unreadable);
    EXPECT_EQ(reader.read(report).kind, EntryKind::event);
    EXPECT_EQ(reader.read("  cause    x").kind, EntryKind::note);
    EXPECT_EQ(reader.read("           y").kind, EntryKind::note);
    EXPECT_EQ(reader.read("the program's own").kind, EntryKind::unreadable);
    EXPECT_EQ(reader.read("  cause    x").kind, EntryKind::unreadable);
}

TEST(LogEntry, OfTheJournalHasWhatWasLostBeforeIt) {
    const std::string line = R"({"MESSAGE":"portguard: 3)" + std::string(lost_events_note) + R"(\n)" +
                             report + R"(\n  cause    x","__REALTIME_TIMESTAMP":"1"})";
    const LogEntry entry = EntryReader(now).read(line);
    EXPECT_EQ(entry.kind, EntryKind::event);
    EXPECT_EQ(entry.lost, 3U);
}

} // namespace
} // namespace portguard::tools
