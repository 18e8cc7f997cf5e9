// `portguard metrics` as values: the text, what is kept between two looks, the rate, and a request of HTTP.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <limits>

#include <gtest/gtest.h>
#include <malloc.h>

#include "support/temporary_folder.h"
#include "tools/metrics/collector.h"
#include "tools/metrics/ephemeral_use.h"
#include "tools/metrics/event_counts.h"
#include "tools/metrics/exposition.h"
#include "tools/metrics/http_request.h"
#include "tools/metrics/metrics_state.h"
#include "tools/metrics/record_position.h"

namespace portguard::tools {
namespace {

using namespace std::chrono_literals;
using test::TemporaryFolder;

TEST(Exposition, EscapesWhatOthersWriteIntoLabels) {
    const MetricFamily family{"a", MetricType::gauge, "", "A", {{{{"process", "a\"b\\c\nd\xff\x1b"}}, 1}}};
    EXPECT_EQ(exposition({family}, {}, ExpositionFormat::text),
              "# HELP a A.\n# TYPE a gauge\na{process=\"a\\\"b\\\\c?d??\"} 1\n");
}

TEST(Exposition, NamesACounterByItsFamilyInOpenMetricsAndByItsSampleInText) {
    const MetricFamily family{"events", MetricType::counter, "", "E", {{{{"cause", "self"}}, 3}}};
    EXPECT_EQ(
        exposition({family}, {{"netns", "blue"}}, ExpositionFormat::openmetrics),
        "# HELP events E.\n# TYPE events counter\nevents_total{netns=\"blue\",cause=\"self\"} 3\n# EOF\n");
    EXPECT_EQ(exposition({family}, {}, ExpositionFormat::text),
              "# HELP events_total E.\n# TYPE events_total counter\nevents_total{cause=\"self\"} 3\n");
}

TEST(Exposition, HasAUnitAndNumbersThatReadBackAsTheyWere) {
    const MetricFamily family{
        "t_seconds", MetricType::gauge, "seconds", "T", {{{}, 0.1}, {{}, 1795696848.5}, {{}, 1e300}}};
    EXPECT_EQ(exposition({family}, {}, ExpositionFormat::openmetrics),
              "# HELP t_seconds T.\n# TYPE t_seconds gauge\n# UNIT t_seconds seconds\nt_seconds 0.1\n"
              "t_seconds 1795696848.5\nt_seconds 1e+300\n# EOF\n");
}

DestinationUse use_of(std::uint32_t ports) {
    return {Protocol::tcp, "10.0.0.1", 80, ports};
}

TEST(Exhaustion, IsWhatIsLeftAtTheRateSinceTheLastLook) {
    const UseSample before{1000ms, {use_of(10)}, true};
    EXPECT_EQ(seconds_until_full(use_of(20), 100, before, 3000ms), 16.0);
    EXPECT_EQ(seconds_until_full(use_of(100), 100, std::nullopt, 3000ms), 0.0) << "there is nothing left";
}

TEST(Exhaustion, IsUnknownWithoutALookBeforeOrWithoutGrowth) {
    const UseSample before{1000ms, {use_of(10)}, true};
    EXPECT_EQ(seconds_until_full(use_of(20), 100, std::nullopt, 3000ms), std::nullopt);
    EXPECT_EQ(seconds_until_full(use_of(10), 100, before, 3000ms), std::nullopt);
    EXPECT_EQ(seconds_until_full(use_of(20), 100, before, 1000ms), std::nullopt) << "no time has passed";
    EXPECT_EQ(seconds_until_full(use_of(20), 100, before, 500ms), std::nullopt) << "the clock was set back";
    EXPECT_EQ(seconds_until_full(use_of(20), 100, before, 2h), std::nullopt) << "long ago";
}

TEST(Exhaustion, OfANewDestinationBeginsAtNoneUnlessOthersWereForgotten) {
    EXPECT_EQ(seconds_until_full(use_of(20), 100, UseSample{1000ms, {}, true}, 2000ms), 4.0);
    EXPECT_EQ(seconds_until_full(use_of(20), 100, UseSample{1000ms, {}, false}, 2000ms), std::nullopt);
}

SocketFact connection(std::uint16_t port, std::uint8_t remote, std::uint8_t local = 1) {
    SocketFact fact;
    fact.role = Role::outgoing;
    fact.socket.protocol = Protocol::tcp;
    fact.socket.state = SocketState::established;
    fact.socket.local.family = Family::ipv4;
    fact.socket.local.address = {127, 0, 0, local};
    fact.socket.local.port = port;
    fact.socket.remote.family = Family::ipv4;
    fact.socket.remote.address = {127, 0, 1, remote};
    fact.socket.remote.port = 80;
    return fact;
}

TEST(EphemeralUse, CountsADestinationByTheLocalAddressThatHasMostPortsToIt) {
    HostFacts facts;
    facts.settings.ports.range = {40000, 40009};
    facts.settings.ports.reserved.insert({40009, 40009});
    facts.sockets = {connection(40000, 1), connection(40001, 1), connection(40000, 1, 2),
                     connection(40000, 2), connection(39999, 2), connection(40009, 2)};
    const EphemeralUse use = ephemeral_use(facts);
    EXPECT_EQ(use.size, 9U);
    ASSERT_EQ(use.destinations.size(), 2U);
    EXPECT_EQ(use.destinations[0].address, "127.0.1.1");
    EXPECT_EQ(use.destinations[0].ports, 2U);
    EXPECT_EQ(use.destinations[1].ports, 1U) << "outside the range and reserved ports are none";
    const auto state = std::pair(Protocol::tcp, SocketState::established);
    EXPECT_EQ(use.by_state.at(state), 2U);
}

TEST(MetricsState, ReadsBackWhatItWrote) {
    MetricsState state;
    state.counts.by_cause["self"] = 7;
    state.counts.lost = 2;
    state.record("/a \"b\"") = {"/a \"b\"", 5, 6, 7, ~std::uint64_t{0}, true};
    state.journal = {"s=1;i=2", 12345ms};
    state.use = UseSample{99ms, {use_of(3)}, false};
    const ParsedState parsed = parse_state(state_text(state));
    ASSERT_TRUE(parsed.state.has_value()) << parsed.problem;
    EXPECT_EQ(parsed.state->counts, state.counts);
    EXPECT_EQ(parsed.state->records, state.records);
    EXPECT_EQ(parsed.state->journal, state.journal);
    EXPECT_EQ(state_text(*parsed.state), state_text(state));
}

TEST(MetricsState, SaysWhatIsWrongWithADamagedOne) {
    const std::string whole = state_text({});
    EXPECT_EQ(parse_state(whole.substr(0, whole.size() / 2)).problem, "it is not JSON");
    EXPECT_EQ(parse_state("{}").problem, "`version` is missing");
    EXPECT_EQ(parse_state(R"({"version":2})").problem, "it is of another version");
    EXPECT_EQ(parse_state(std::string(100, '[')).problem, "it is not JSON");
}

TEST(MetricsState, KeepsTheCountOfACauseThatThisVersionDoesNotKnow) {
    std::string text = state_text({});
    const std::string name = "\"name\":\"self\"";
    text.replace(text.find("\"count\":0," + name), 10, "\"count\":5,");
    text.replace(text.find(name), name.size(), "\"name\":\"gone\"");
    const ParsedState parsed = parse_state(text);
    ASSERT_TRUE(parsed.state.has_value()) << parsed.problem;
    EXPECT_EQ(parsed.state->counts.by_cause.at("other"), 5U);
    EXPECT_FALSE(parsed.state->counts.by_cause.contains("gone"));
}

/// A record and what was counted of it.
class RecordReading : public testing::Test {
protected:
    void SetUp() override {
        std::ifstream corpus(PORTGUARD_CORPUS "/outgoing_connection.json");
        std::getline(corpus, event_);
        ASSERT_FALSE(event_.empty());
    }
    void write(const std::string& text, std::ios::openmode mode = std::ios::app) const {
        std::ofstream(path_, mode) << text;
    }
    std::uint64_t count() {
        complaints_.clear();
        read_record(position_, counts_, complaints_);
        return counts_.by_cause.at("outgoing_connection");
    }

    std::string event_;
    TemporaryFolder folder_;
    std::string path_ = (folder_.path() / "events.log").string();
    RecordPosition position_{.file = path_};
    EventCounts counts_ = no_events();
    std::vector<std::string> complaints_;
};

TEST_F(RecordReading, CountsEachEventOnceHoweverOftenItIsRead) {
    write(event_ + "\n");
    EXPECT_EQ(count(), 1U);
    EXPECT_EQ(count(), 1U);
    write(event_ + "\n" + event_ + "\n");
    EXPECT_EQ(count(), 3U);
    EXPECT_EQ(counts_.by_errno.at("EADDRINUSE"), 3U);
    EXPECT_TRUE(complaints_.empty());
}

TEST_F(RecordReading, WaitsForTheEndOfALineThatIsBeingWritten) {
    write(event_ + "\n" + event_.substr(0, 100));
    EXPECT_EQ(count(), 1U);
    EXPECT_TRUE(complaints_.empty());
    write(event_.substr(100) + "\n");
    EXPECT_EQ(count(), 2U);
    EXPECT_EQ(counts_.unreadable_lines, 0U);
}

TEST_F(RecordReading, ReadsTheRestOfOneThatWasRenamed) {
    write(event_ + "\n");
    EXPECT_EQ(count(), 1U);
    write(event_ + "\n");
    ASSERT_EQ(std::rename(path_.c_str(), (path_ + ".1").c_str()), 0);
    write(event_ + "\n" + event_ + "\n");
    EXPECT_EQ(count(), 4U);
    EXPECT_TRUE(complaints_.empty());
}

TEST_F(RecordReading, SaysThatOneWasReplacedWhoseRestIsGone) {
    write(event_ + "\n");
    count();
    ASSERT_EQ(std::rename(path_.c_str(), (folder_.path() / "elsewhere").c_str()), 0);
    write(event_ + "\n");
    EXPECT_EQ(count(), 2U);
    ASSERT_EQ(complaints_.size(), 1U);
    EXPECT_NE(complaints_[0].find("delaycompress"), std::string::npos) << complaints_[0];
}

TEST_F(RecordReading, SaysThatOneShrankAndReadsItFromItsStart) {
    write(event_ + "\n" + event_ + "\n");
    EXPECT_EQ(count(), 2U);
    write(event_ + "\n", std::ios::trunc);
    EXPECT_EQ(count(), 3U);
    ASSERT_EQ(complaints_.size(), 1U);
    EXPECT_NE(complaints_[0].find("shrank from "), std::string::npos) << complaints_[0];
}

TEST_F(RecordReading, SeesOneThatWasEmptiedAndHasGrownBeyondItsPlace) {
    std::string other = event_;
    other.replace(other.find("\"time\":\""), 12, "\"time\":\"2031");
    write(event_ + "\n");
    EXPECT_EQ(count(), 1U);
    // The bytes before the place are those of an event's end, and the same ends may follow each other: the
    // length differs.
    write("\n" + other + "\n" + other + "\n", std::ios::trunc);
    EXPECT_EQ(count(), 3U);
    ASSERT_EQ(complaints_.size(), 1U);
    EXPECT_NE(complaints_[0].find("was overwritten"), std::string::npos) << complaints_[0];
}

TEST_F(RecordReading, CountsTheEventsAroundALineThatIsNone) {
    write(event_ + "\n" + event_.substr(0, 50) + "\n" + event_ + "\n");
    EXPECT_EQ(count(), 2U);
    EXPECT_EQ(counts_.unreadable_lines, 1U);
    ASSERT_EQ(complaints_.size(), 1U);
    EXPECT_EQ(count(), 2U);
    EXPECT_TRUE(complaints_.empty()) << "it was reported";
}

TEST_F(RecordReading, CountsALineWithoutEndOnceAndGoesOnBehindIt) {
    write(std::string(3U << 20U, 'x'));
    EXPECT_EQ(count(), 0U);
    write(std::string(100, 'x'));
    EXPECT_EQ(count(), 0U);
    write("x\n" + event_ + "\n");
    EXPECT_EQ(count(), 1U);
    EXPECT_EQ(counts_.unreadable_lines, 1U);
}

TEST_F(RecordReading, NeedsNoMoreMemoryHoweverOftenItIsCollected) {
    write(event_ + "\n");
    Collector collector({.records = {path_}, .state_file = (folder_.path() / "state").string()});
    const auto collect_often = [&] {
        for (int round = 0; round < 50; ++round) {
            exposition(collector.collect(), {}, ExpositionFormat::text);
        }
        return ::mallinfo2().uordblks;
    };
    // What the host has counts too, and it may become busier: what is never given back shows each time.
    std::size_t before = collect_often();
    std::size_t least_growth = std::numeric_limits<std::size_t>::max();
    for (int round = 0; round < 6; ++round) {
        const std::size_t after = collect_often();
        least_growth = std::min(least_growth, after - std::min(before, after));
        before = after;
    }
    EXPECT_LE(least_growth, 1024U);
}

int status_of(std::string_view request) {
    const auto parsed = parse_request(request);
    return parsed.has_value() ? parsed->status : 0;
}

TEST(HttpRequest, IsReadToItsEmptyLine) {
    EXPECT_EQ(status_of("GET /metrics HTTP/1.1\r\nHost: a\r\n"), 0);
    EXPECT_EQ(status_of("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
    EXPECT_EQ(status_of("GET /metrics?a=b HTTP/1.0\n\n"), 200);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\n\r\n"), 404);
    EXPECT_EQ(status_of("POST /metrics HTTP/1.1\r\n\r\n"), 405);
    EXPECT_EQ(status_of("\r\n\r\n"), 400);
    EXPECT_EQ(status_of("GET /metrics SPDY/9\r\n\r\n"), 400);
    EXPECT_EQ(status_of("GET /metrics HTTP/1.1\r\nA: " + std::string(longest_request, 'a')), 431);
    EXPECT_EQ(status_of("GET /metrics HTTP/1.1\r\nA: " + std::string(longest_request, 'a') + "\r\n\r\n"),
              431);
}

TEST(HttpRequest, AsksForOpenMetricsByAccept) {
    const auto format = [](const std::string& accept) {
        return parse_request("GET /metrics HTTP/1.1\r\n" + accept + "\r\n\r\n")->format;
    };
    EXPECT_EQ(format("accept: application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1"),
              ExpositionFormat::openmetrics);
    EXPECT_EQ(format("Accept: text/plain"), ExpositionFormat::text);
    EXPECT_EQ(format("Accept: */*"), ExpositionFormat::text);
    EXPECT_EQ(format("Accept: application/openmetrics-text;q=0"), ExpositionFormat::text);
}

TEST(HttpAnswer, HasNoBodyForHeadAndTheSameLength) {
    const std::string get = http_answer({200, false, ExpositionFormat::text}, "page\n");
    const std::string head = http_answer({200, true, ExpositionFormat::text}, "page\n");
    EXPECT_EQ(get, head + "page\n");
    EXPECT_NE(head.find("\r\nContent-Length: 5\r\n"), std::string::npos) << head;
    EXPECT_NE(http_answer({405, false, ExpositionFormat::text}, "").find("\r\nAllow: GET, HEAD\r\n"),
              std::string::npos);
}

} // namespace
} // namespace portguard::tools
