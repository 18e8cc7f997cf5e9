// What an event says of its condition, and what it leaves open.
#include <cerrno>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "tools/common/refusal.h"
#include "tools/repro/recorded_program.h"

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

TEST(Scene, BesideARangeOfThatPortAloneTheSplitFindsAnother) {
    EventRecord event = recorded("outgoing_connection");
    event.sentence = "inside ip_local_port_range (40000-40000), and";
    const Scene scene = fixed(scene_of(event), Fix::split);
    EXPECT_FALSE(scene.ephemeral.empty());
    EXPECT_FALSE(scene.ephemeral.contains(40000));
}

TEST(Scene, ARangeAroundALowPortIsInOrder) {
    EventRecord event = recorded("outgoing_connection");
    event.asked.port = event.holders[0].local.port = 10;
    EXPECT_EQ(scene_of(event).ephemeral, (PortRange{1, 1010}));
}

TEST(Scene, ALogCannotOrderMoreProcessesThanAMachineHasRoomFor) {
    EventRecord event = recorded("bound_only");
    event.holders[0].owners.resize(8000, event.holders[0].owners.at(0));
    event.holders.push_back(event.holders[0]);
    event.holders[1].owners[0].pid = 4711;
    const Scene scene = scene_of(event);
    ASSERT_EQ(scene.stand_ins.size(), 2U);
    EXPECT_EQ(scene.stand_ins[0].processes, 65U);
    EXPECT_EQ(scene.stand_ins[1].processes, 1U);
    EXPECT_TRUE(tells(scene, "7935 more processes"));
}

TEST(Scene, NorMoreAddressesThanTheHoldersThatAreMade) {
    EventRecord event = recorded("bound_only");
    event.holders.resize(1000, event.holders.at(0));
    for (std::size_t index = 0; index < event.holders.size(); ++index) {
        auto& address = event.holders[index].local.address;
        address[0] = 10;
        address[1] = static_cast<std::uint8_t>(index / 256);
        address[2] = static_cast<std::uint8_t>(index % 256);
    }
    EXPECT_EQ(scene_of(event).addresses.size(), 200U);
}

TEST(Scene, APrivilegedPortIsBelowTheRangeOfOutgoingConnections) {
    EventRecord event = recorded("privileged_port");
    event.asked.port = 40000;
    const Scene scene = scene_of(event);
    EXPECT_EQ(scene.unprivileged_port_start, 40001);
    EXPECT_EQ(scene.ephemeral, (PortRange{40001, 60999}));
    event.asked.port = 65535;
    EXPECT_THROW(scene_of(event), Refusal);
}

TEST(Scene, APlanThatIsNoneIsRefused) {
    EventRecord event = recorded("outside_plan");
    event.sentence = "port 20000 is outside listen=9-5";
    EXPECT_THROW(scene_of(event), Refusal);
    EXPECT_EQ(scene_of(event, "5000-14999").listen, "5000-14999");
    event.error = ENOENT;
    EXPECT_THROW(scene_of(event, "5000-14999"), Refusal);
}

TEST(Scene, ACommandWithANulIsNotStarted) {
    const auto is_here = [](const std::string&) { return true; };
    EventRecord event = recorded("bound_only");
    ASSERT_EQ(recorded_program(event, is_here), *event.process.argv);
    event.process.argv->front() = std::string("/bin/sh\0 -c harmless", 20);
    EXPECT_TRUE(recorded_program(event, is_here).empty());
}

TEST(Scene, WithReuseaddrWhatIsOnlyBoundStaysAsItIs) {
    EXPECT_TRUE(
        fixed(scene_of(recorded("own_time_wait")), Fix::reuseaddr).stand_ins.at(0).sockets.at(0).reuseaddr);
    EXPECT_FALSE(
        fixed(scene_of(recorded("bound_only")), Fix::reuseaddr).stand_ins.at(0).sockets.at(0).reuseaddr);
}

} // namespace
} // namespace portguard::test
