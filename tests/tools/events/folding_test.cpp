#include "tools/events/folding.h"

#include <gtest/gtest.h>

#include "tools/events/event_words.h"
#include "tools/support/event_samples.h"

namespace portguard::tools {
namespace {

using nlohmann::json;
using test::sample_event;
using test::scripted_event;

std::vector<Failure> folded(const std::vector<json>& events) {
    Folding folding;
    std::uint64_t number = 0;
    for (const json& event : events) {
        ++number;
        ParsedEvent parsed = parse_event(event.dump());
        EXPECT_TRUE(parsed.event.has_value()) << parsed.problem;
        folding.add({std::move(*parsed.event), number, "ports.log", number, number});
    }
    return folding.failures();
}

json changed(const char* pointer, const json& value, json event = sample_event()) {
    event[json::json_pointer(pointer)] = value;
    return event;
}

TEST(Folding, TakesTheSameCallAddressCauseAndStackForOneFailure) {
    const std::vector<Failure> failures =
        folded({sample_event(), changed("/process/pid", 77), changed("/time", "2026-11-22T18:02:00.000Z")});
    ASSERT_EQ(failures.size(), 1U);
    EXPECT_EQ(failures[0].times, 6U) << "each stands for two calls";
    EXPECT_EQ(failures[0].occurrences.size(), 3U);
    EXPECT_EQ(failures[0].occurrences[1].asker, "python3[77]");
    EXPECT_EQ(failures[0].fights.size(), 1U);
}

TEST(Folding, KeepsApartWhatDiffers) {
    for (const json& other : {changed("/port", 40001), changed("/call", "listen"), changed("/cause", "self"),
                              changed("/stack/1/offset", 17), changed("/event", "cured")}) {
        EXPECT_EQ(folded({sample_event(), other}).size(), 2U) << other;
    }
}

TEST(Folding, KeepsTheLinesOfAScriptApart) {
    json other = scripted_event();
    other["script"][0]["line"] = 8;
    EXPECT_EQ(folded({scripted_event(), scripted_event()}).size(), 1U);
    EXPECT_EQ(folded({scripted_event(), other}).size(), 2U);
}

TEST(Folding, NamesEachPairThatFought) {
    const json other = changed("/holders/0/owners/0/argv", json::array({"nginx"}));
    const std::vector<Failure> failures = folded({sample_event(), other, sample_event()});
    ASSERT_EQ(failures.size(), 1U);
    ASSERT_EQ(failures[0].fights.size(), 2U);
    EXPECT_EQ(failures[0].fights[0].times, 4U);
    EXPECT_EQ(failures[0].fights[1].times, 2U);
    EXPECT_EQ(failures[0].fights[1].number_in_file, 2U);
}

TEST(Folding, BoundsThePairs) {
    std::vector<json> events;
    for (int other = 0; other < 20; ++other) {
        events.push_back(changed("/process/argv", json::array({"test", std::to_string(other)})));
    }
    const std::vector<Failure> failures = folded(events);
    ASSERT_EQ(failures.size(), 1U);
    EXPECT_EQ(failures[0].fights.size(), 8U);
    EXPECT_EQ(failures[0].more_fights, 12U);
}

TEST(ProcessChains, BeginAtTheLastCommonProcess) {
    const json ancestors = json::parse(R"([{"pid": 11, "comm": "sh"}, {"pid": 10, "comm": "ctest"},
                                           {"pid": 9, "comm": "bash"}, {"pid": 1, "comm": "systemd"}])");
    json event = changed("/process/ancestors", ancestors);
    event["holders"][0]["owners"][0]["ancestors"] = json::parse(
        R"([{"pid": 10, "comm": "ctest"}, {"pid": 9, "comm": "bash"}, {"pid": 1, "comm": "systemd"}])");
    const ProcessChains chains = chains_of(folded({event}).front().fights.front());
    EXPECT_EQ(chains.asked, "ctest[10] > sh[11] > python3[5864]");
    EXPECT_EQ(chains.held, "ctest[10] > python3[5855]");
}

TEST(ProcessChains, OfAHolderWithoutAProcessAreThoseOfTheAskerAlone) {
    const ProcessChains chains =
        chains_of(folded({changed("/holders/0/owners", json::array())}).front().fights.front());
    EXPECT_EQ(chains.asked, "pytest[5800] > python3[5864]");
    EXPECT_EQ(chains.held, "");
}

} // namespace
} // namespace portguard::tools
