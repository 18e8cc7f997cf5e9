// Each finding of `portguard check`: when it is there, when it is not, and what it tells to do.
#include <gtest/gtest.h>

#include "tools/check/facts_of.h"

namespace portguard::test {
namespace {

using tools::HostFacts;
using tools::Severity;

bool mentions(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

TEST(Finding, AListenerInTheRangeIsSavedByOneReservationForAll) {
    HostFacts facts = facts_of({tcp(SocketState::listen, 40000, 1), tcp(SocketState::listen, 50000, 2)});
    give_owner(facts, 1, 100, "alpha");
    give_owner(facts, 2, 200, "beta");
    facts.settings.ports.reserved = port_set("60000");
    const auto findings = found(facts, "listener-in-ephemeral-range");
    ASSERT_EQ(findings.size(), 2U);
    EXPECT_EQ(findings[0].severity, Severity::error);
    EXPECT_TRUE(mentions(findings[0].what, "alpha[100]")) << findings[0].what;
    EXPECT_EQ(findings[1].ports, "50000");
    for (const auto& finding : findings) {
        EXPECT_TRUE(mentions(finding.fix, "net.ipv4.ip_local_reserved_ports=40000,50000,60000\n"))
            << finding.fix;
    }
}

TEST(Finding, AListenerInTheRangeIsSavedByAnotherRangeToo) {
    const auto findings = found(facts_of({tcp(SocketState::listen, 40000)}), "listener-in-ephemeral-range");
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_TRUE(mentions(findings[0].fix, "ip_local_port_range=\"40002 60999\"") ||
                mentions(findings[0].fix, "ip_local_port_range=\"40001 60998\""))
        << findings[0].fix;
}

TEST(Finding, AReservedListenerIsSafe) {
    HostFacts facts = facts_of({tcp(SocketState::listen, 40000), tcp(SocketState::listen, 80)});
    facts.settings.ports.reserved = port_set("40000");
    EXPECT_TRUE(found(facts, "listener-in-ephemeral-range").empty());
}

TEST(Finding, TheCommandEntersTheNamespaceThatWasLookedAt) {
    HostFacts facts = facts_of({tcp(SocketState::listen, 40000)});
    facts.as_root = "ip netns exec blue ";
    EXPECT_TRUE(
        found(facts, "listener-in-ephemeral-range")[0].fix.starts_with("ip netns exec blue sysctl -w "));
}

TEST(Finding, AnOutgoingConnectionInListenIsAnError) {
    const HostFacts facts =
        facts_of({tcp(SocketState::established, 5000), tcp(SocketState::established, 5002),
                  tcp(SocketState::listen, 5002), tcp(SocketState::time_wait, 5003)});
    const auto findings = found(facts, "outgoing-in-listen", "5000-5010");
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].ports, "5000");
    ASSERT_TRUE(findings[0].cured_as.has_value());
    EXPECT_EQ(findings[0].cured_as->port, 5000);
    EXPECT_TRUE(findings[0].reserve.empty()) << "the kernel does not give 5000";
    EXPECT_TRUE(found(facts, "outgoing-in-listen").empty());
}

TEST(Finding, TimeWaitInListenTellsHowLong) {
    DiagSocket dead = tcp(SocketState::time_wait, 5003);
    dead.timer_ms = 12300;
    const auto findings = found(facts_of({dead}), "time-wait-in-listen", "5000-5010");
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_TRUE(mentions(findings[0].what, "13 s")) << findings[0].what;
    EXPECT_TRUE(
        found(facts_of({dead, tcp(SocketState::listen, 5003)}), "time-wait-in-listen", "5000-5010").empty());
}

TEST(Finding, PortsOfThePlanThatAreHeldAreANote) {
    HostFacts facts = facts_of({tcp(SocketState::listen, 80, 1), tcp(SocketState::bound, 81, 2)});
    give_owner(facts, 1, 100, "web");
    const auto findings = found(facts, "plan-port-held", "80-90");
    ASSERT_EQ(findings.size(), 2U);
    EXPECT_TRUE(mentions(findings[1].what, "web[100] holds listen port 80")) << findings[1].what;
    EXPECT_EQ(findings[0].severity, Severity::note);
}

TEST(Finding, APlanInsideTheKernelsRangeOverlaps) {
    HostFacts facts = facts_of({});
    const auto findings = found(facts, "overlap", "80,32760-32770");
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].ports, "32768-32770");
    facts.settings.ports.reserved = port_set("32768-32770");
    EXPECT_TRUE(found(facts, "overlap", "80,32760-32770").empty());
}

TEST(Finding, AnEphemeralRangeThatTheKernelIgnoresIsTold) {
    EXPECT_EQ(found(facts_of({}), "ephemeral-outside-kernel-range", "", {20000, 30000}).size(), 1U);
    EXPECT_TRUE(found(facts_of({}), "ephemeral-outside-kernel-range", "", {20000, 40000}).empty());
}

TEST(Finding, ARateThatNeedsMorePortsThanThereAreIsAWarning) {
    HostFacts facts = facts_of({});
    facts.connects = tools::ConnectRate{500, 2};
    ASSERT_EQ(found(facts, "ephemeral-range-too-small").size(), 1U);
    EXPECT_EQ(found(facts, "ephemeral-range-too-small")[0].severity, Severity::warning);
    EXPECT_TRUE(mentions(found(facts, "ephemeral-range-too-small")[0].what, "30000 ports"));
    facts.connects = tools::ConnectRate{10, 2};
    EXPECT_TRUE(found(facts, "ephemeral-range-too-small").empty());
}

TEST(Finding, OneDestinationThatUsesUpTheRangeIsAWarning) {
    std::vector<DiagSocket> sockets;
    for (std::uint16_t port = 40000; port < 40009; ++port) {
        sockets.push_back(tcp(SocketState::established, port));
    }
    HostFacts facts = facts_of(sockets);
    EXPECT_TRUE(found(facts, "destination-near-limit").empty());
    facts.settings.ports.range = {40000, 40009};
    EXPECT_EQ(found(facts, "destination-near-limit").size(), 1U);
}

TEST(Finding, LeasesAreCountedAndWarnNearTheHalfThatIsLeased) {
    DiagSocket lease = tcp(SocketState::time_wait, 32769);
    lease.remote = lease.local;
    EXPECT_TRUE(found(facts_of({tcp(SocketState::time_wait, 32769)}), "leases").empty());
    const auto one = found(facts_of({lease, lease}), "leases");
    ASSERT_EQ(one.size(), 1U);
    EXPECT_EQ(one[0].severity, Severity::note);
    EXPECT_TRUE(
        mentions(one[0].what, "1 port is leased for up to 60 s (lease=on); of 32768-60999 14116 may be"));
    EXPECT_TRUE(found(facts_of({lease}), "time-wait-in-listen", "32769").empty()) << "it is for a listener";
    std::vector<DiagSocket> many;
    for (unsigned index = 0; index < 12'800; ++index) {
        lease.local.port = lease.remote.port = static_cast<std::uint16_t>(32769 + 2 * index);
        many.push_back(lease);
    }
    const auto near = found(facts_of(many), "leases");
    ASSERT_EQ(near.size(), 1U);
    EXPECT_EQ(near[0].severity, Severity::warning);
    EXPECT_TRUE(mentions(near[0].fix, "--lease=all"));
}

TEST(Finding, TimeWaitIsCountedByPortAndWarnsNearTheLimit) {
    HostFacts facts = facts_of({tcp(SocketState::listen, 80), tcp(SocketState::time_wait, 80),
                                tcp(SocketState::time_wait, 80), tcp(SocketState::time_wait, 40000)});
    EXPECT_TRUE(mentions(found(facts, "time-wait-count")[0].what, "(port 80: 2, outgoing: 1)"));
    EXPECT_EQ(found(facts, "time-wait-count")[0].severity, Severity::note);
    facts.tcp_max_tw_buckets = 3;
    EXPECT_EQ(found(facts, "time-wait-count")[0].severity, Severity::warning);
}

TEST(Finding, TcpTwReuseIsExplainedWhereSomebodySetIt) {
    HostFacts facts = facts_of({});
    EXPECT_TRUE(found(facts, "tcp-tw-reuse").empty());
    facts.tcp_tw_reuse = 1;
    EXPECT_TRUE(mentions(found(facts, "tcp-tw-reuse")[0].why, "never helps a listener"));
}

TEST(Finding, TcpTwRecycleIsNeverToBeUsed) {
    HostFacts facts = facts_of({});
    EXPECT_TRUE(found(facts, "tcp-tw-recycle").empty());
    facts.tcp_tw_recycle = 0;
    EXPECT_EQ(found(facts, "tcp-tw-recycle")[0].severity, Severity::note);
    facts.tcp_tw_recycle = 1;
    EXPECT_EQ(found(facts, "tcp-tw-recycle")[0].severity, Severity::error);
}

TEST(Finding, PrivilegedListenPortsNameTheSetting) {
    EXPECT_TRUE(mentions(found(facts_of({}), "privileged-port", "443,8080")[0].fix, "port_start=443"));
    EXPECT_TRUE(found(facts_of({}), "privileged-port", "8080").empty());
    HostFacts facts = facts_of({});
    facts.settings.unprivileged_port_start = 0;
    EXPECT_EQ(found(facts, "unprivileged-port-start", "443").size(), 1U);
}

TEST(Finding, AKernelWithoutTheSocketOptionIsTold) {
    HostFacts facts = facts_of({});
    facts.has_socket_range = false;
    EXPECT_EQ(found(facts, "no-ip-local-port-range").size(), 1U);
}

TEST(Finding, AListenerIsBlamedForSoReuseaddrOnlyWhereItIsKnown) {
    HostFacts facts = facts_of(
        {tcp(SocketState::listen, 80, 1), tcp(SocketState::listen, 81, 2), tcp(SocketState::listen, 82, 3)});
    facts.reuseaddr = {{1, false}, {2, true}};
    const auto findings = found(facts, "listener-without-reuseaddr");
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].ports, "80");
}

TEST(Finding, AListenerIsAnOrphansOnlyIfAllItsOwnersAre) {
    HostFacts facts = facts_of({tcp(SocketState::listen, 80, 1)});
    give_owner(facts, 1, 100, "worker");
    facts.processes[100].left_behind = true;
    EXPECT_EQ(found(facts, "listener-of-orphan").size(), 1U);
    give_owner(facts, 1, 50, "master");
    EXPECT_TRUE(found(facts, "listener-of-orphan").empty());
}

TEST(Finding, ARedisServerBringsItsClusterBus) {
    HostFacts facts = facts_of({tcp(SocketState::listen, 6379, 1)});
    give_owner(facts, 1, 100, "redis-server");
    EXPECT_TRUE(found(facts, "known-default").empty());
    facts.settings.ports.range = {15000, 65000};
    const auto findings = found(facts, "known-default");
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].ports, "16379");
    EXPECT_TRUE(mentions(findings[0].fix, "reserved_ports=16379")) << findings[0].fix;
}

TEST(Finding, DefaultsOfSoftwareThatIsNotHereAreANoteAlone) {
    HostFacts facts = facts_of({});
    facts.settings.ports.range = {15000, 65000};
    EXPECT_TRUE(found(facts, "known-default").empty());
    ASSERT_EQ(found(facts, "known-default-possible").size(), 1U);
    EXPECT_TRUE(mentions(found(facts, "known-default-possible")[0].what, "Kubernetes NodePort 30000-32767"));
}

TEST(Finding, AHostWithoutASocketHasNoWarning) {
    Config config;
    const HostFacts facts = facts_of({});
    for (const auto& finding : tools::find_all(facts, tools::plan_for(config, facts))) {
        EXPECT_EQ(finding.severity, Severity::note) << finding.what;
    }
}

TEST(Finding, EveryOneSaysWhatAndWhyInSentences) {
    HostFacts facts = facts_of({tcp(SocketState::listen, 40000, 1), tcp(SocketState::time_wait, 80),
                                tcp(SocketState::established, 81)});
    facts.tcp_tw_recycle = 1;
    facts.has_socket_range = false;
    Config config;
    config.listen = port_set("80-90");
    config.has_listen = true;
    const auto findings = tools::find_all(facts, tools::plan_for(config, facts));
    EXPECT_GE(findings.size(), 4U);
    for (const auto& finding : findings) {
        EXPECT_TRUE(finding.what.ends_with('.')) << finding.what;
        EXPECT_TRUE(finding.why.ends_with('.')) << finding.why;
        EXPECT_TRUE(finding.fix.empty() || finding.fix.ends_with('\n')) << finding.fix;
    }
}

TEST(Finding, TwoProgramsThatShareAPortAreNamed) {
    HostFacts facts = facts_of({tcp(SocketState::listen, 8080, 1), tcp(SocketState::listen, 8080, 2)});
    give_owner(facts, 1, 100, "alpha");
    give_owner(facts, 2, 200, "beta");
    const auto findings = found(facts, "shared-port");
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].severity, Severity::warning);
    EXPECT_TRUE(mentions(findings[0].what, "alpha[100] and beta[200] share TCP port 8080"))
        << findings[0].what;
    EXPECT_EQ(findings[0].pids, (std::vector<pid_t>{100, 200}));
}

TEST(Finding, TwoStartsOfOneProgramThatShareAPortAreNamed) {
    HostFacts facts = facts_of({tcp(SocketState::listen, 8080, 1), tcp(SocketState::listen, 8080, 2)});
    give_owner(facts, 1, 100, "alpha");
    give_owner(facts, 2, 200, "alpha");
    facts.processes[100].ancestors = {{50, "sh"}, {1, "init"}};
    facts.processes[200].ancestors = {{60, "sh"}, {1, "init"}};
    EXPECT_EQ(found(facts, "shared-port").size(), 1U);
    facts.processes[200].ancestors = facts.processes[100].ancestors;
    EXPECT_EQ(found(facts, "shared-port").size(), 1U) << "one shell has started both";
}

TEST(Finding, WorkersOfOneServerShareTheirPortInPeace) {
    HostFacts facts = facts_of({tcp(SocketState::listen, 8080, 1), tcp(SocketState::listen, 8080, 2),
                                tcp(SocketState::listen, 8080, 3)});
    give_owner(facts, 1, 100, "alpha");
    give_owner(facts, 2, 200, "alpha");
    give_owner(facts, 3, 300, "alpha worker");
    facts.processes[200].ancestors = {{100, "alpha"}, {1, "init"}};
    facts.processes[300].ancestors = {{100, "alpha"}, {1, "init"}};
    EXPECT_TRUE(found(facts, "shared-port").empty());
    HostFacts forked = facts_of({tcp(SocketState::listen, 8080, 1), tcp(SocketState::listen, 8080, 2)});
    give_owner(forked, 1, 101, "alpha");
    give_owner(forked, 2, 102, "alpha");
    forked.processes[101].ancestors = forked.processes[102].ancestors = {{100, "alpha"}, {1, "init"}};
    EXPECT_TRUE(found(forked, "shared-port").empty());
}

TEST(Finding, OnDifferentAddressesNothingIsShared) {
    HostFacts facts = facts_of({tcp(SocketState::listen, 8080, 1), tcp(SocketState::listen, 8080, 2)});
    facts.sockets[1].socket.local = endpoint("10.1.2.3", 8080);
    give_owner(facts, 1, 100, "alpha");
    give_owner(facts, 2, 200, "beta");
    EXPECT_TRUE(found(facts, "shared-port").empty());
}

TEST(Finding, ASocketOfNoProcessIsTheKernelsOrOfAnotherPidNamespaceOnlyWhereAllIsSeen) {
    HostFacts facts = facts_of({tcp(SocketState::listen, 40000, 1)});
    EXPECT_TRUE(
        mentions(found(facts, "listener-in-ephemeral-range")[0].what, "that cannot be seen from here"));
    facts.sees_every_process = true;
    EXPECT_TRUE(mentions(found(facts, "listener-in-ephemeral-range")[0].what, "another pid namespace"));
}

} // namespace
} // namespace portguard::test
