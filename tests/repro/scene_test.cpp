// What an event says of its condition, and what it leaves open.
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "tools/refusal.h"
#include "tools/repro/fix.h"
#include "tools/repro/scene.h"

namespace portguard::test {
namespace {

using namespace portguard::tools;

EventRecord recorded(const std::string& name) {
    std::ifstream file(std::string(PORTGUARD_CORPUS "/") + name + ".json");
    std::string line;
    std::getline(file, line);
    const ParsedEvent parsed = parse_event(line);
    if (!parsed.event.has_value()) {
        throw std::runtime_error(name + ": " + parsed.problem);
    }
    return *parsed.event;
}

bool tells(const Scene& scene, const std::string& words) {
    for (const std::string& clause : scene.missing) {
        if (clause.find(words) != std::string::npos) {
            return true;
        }
    }
    return false;
}

TEST(Scene, TheRangeIsThatOfTheSentence) {
    EventRecord event = recorded("outgoing_connection");
    event.sentence = "inside ip_local_port_range (39000-41000), and";
    EXPECT_EQ(scene_of(event).ephemeral, (PortRange{39000, 41000}));
}

TEST(Scene, ARangeThatTheEventDoesNotTellIsChosenToFitAndSaidSo) {
    EventRecord event = recorded("outgoing_connection");
    event.sentence = "";
    event.asked.port = event.holders[0].local.port = 5000;
    const Scene scene = scene_of(event);
    EXPECT_TRUE(scene.ephemeral.contains(5000));
    EXPECT_TRUE(tells(scene, "range of outgoing connections"));
}

TEST(Scene, WhatAServerAcceptedIsOutsideOfTheRange) {
    EventRecord event = recorded("own_time_wait");
    event.asked.port = event.holders[0].local.port = 40000;
    const Scene scene = scene_of(event);
    EXPECT_FALSE(scene.ephemeral.contains(40000));
    EXPECT_TRUE(scene.stand_ins.at(0).sockets.at(0).accepted);
}

TEST(Scene, OneListenerAcceptsWhatStandsBesideIt) {
    const Scene scene = scene_of(recorded("busy_listener"));
    ASSERT_EQ(scene.stand_ins.size(), 1U);
    EXPECT_EQ(scene.stand_ins[0].sockets.size(), 3U);
}

TEST(Scene, AnUnknownFlagIsWhatTheErrnoNeedsAndSaidSo) {
    const Scene failed = scene_of(recorded("own_time_wait"));
    EXPECT_FALSE(failed.stand_ins.at(0).sockets.at(0).reuseaddr);
    EXPECT_TRUE(tells(failed, "taken as off"));
    const Scene cured = scene_of(recorded("cured_time_wait"));
    EXPECT_TRUE(cured.stand_ins.at(0).sockets.at(0).reuseaddr);
    EXPECT_FALSE(cured.asked.reuseaddr);
}

TEST(Scene, WhatTheProcessHeldItselfIsItsOwn) {
    const Scene scene = scene_of(recorded("self"));
    EXPECT_EQ(scene.own.size(), 1U);
    EXPECT_TRUE(scene.stand_ins.empty());
}

TEST(Scene, OnlyAddressesOfNoFreshNamespaceNeedADevice) {
    EXPECT_TRUE(scene_of(recorded("outgoing_connection")).addresses.empty());
    EXPECT_EQ(scene_of(recorded("outgoing_connection_ipv6")).addresses.size(), 1U);
    EXPECT_TRUE(scene_of(recorded("no_such_address")).addresses.empty());
}

TEST(Scene, AnEventWithoutAnAddressIsRefused) {
    EventRecord event = recorded("bound_only");
    event.asked.family = Family::other;
    EXPECT_THROW(scene_of(event), Refusal);
}

TEST(Scene, AnInjectedFailureHasNoConditionThatCouldBeMadeAgain) {
    EventRecord event = recorded("bound_only");
    event.kind = EventKind::injected;
    EXPECT_THROW(scene_of(event), Refusal);
}

TEST(Scene, AfterTheSplitTheRangeLeavesThePortOutAndTheKernelChoosesAnother) {
    const Scene scene = fixed(scene_of(recorded("outgoing_connection")), Fix::split);
    EXPECT_EQ(scene.ephemeral, (PortRange{40001, 60999}));
    EXPECT_EQ(scene.stand_ins.at(0).sockets.at(0).local.endpoint.port, 0);
}

TEST(Scene, WithReuseaddrWhatIsOnlyBoundStaysAsItIs) {
    EXPECT_TRUE(
        fixed(scene_of(recorded("own_time_wait")), Fix::reuseaddr).stand_ins.at(0).sockets.at(0).reuseaddr);
    EXPECT_FALSE(
        fixed(scene_of(recorded("bound_only")), Fix::reuseaddr).stand_ins.at(0).sockets.at(0).reuseaddr);
}

} // namespace
} // namespace portguard::test
