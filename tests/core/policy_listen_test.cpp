#include <gtest/gtest.h>

#include "core/making.h"
#include "core/policy.h"

namespace portguard {
namespace {

using test::configured;
using test::host;
using test::what;
using test::facts::mptcp;
using test::facts::tcp;
using test::facts::udp;

constexpr SocketFacts fixed = tcp.with_port(PortChoice::program);
constexpr SocketFacts at_risk = tcp.with_port(PortChoice::program_in_ephemeral);

Config planned(std::string_view mode, std::string_view reuseaddr = "auto") {
    return configured(
        {{"listen", "5000-14999"}, {"ephemeral", "15000-65000"}, {"mode", mode}, {"reuseaddr", reuseaddr}});
}

struct Row {
    SocketFacts facts;
    std::string_view verdict, next;
};

void expect_verdicts(const Config& config, std::initializer_list<Row> rows,
                     const HostPorts& host_ports = host("10000-60999")) {
    const OutgoingPlan plan = plan_outgoing(config, host_ports);
    for (const Row& row : rows) {
        SCOPED_TRACE(what(row.facts));
        const Verdict verdict = decide_listen(config, plan, row.facts);
        EXPECT_EQ(what(verdict), row.verdict);
        EXPECT_EQ(what(verdict.next), row.next);
    }
}

TEST(DecideListen, SetsReuseaddrAfterwardsOnASocketThatTheProgramBoundToAPort) {
    for (const char* reuseaddr : {"auto", "listeners"}) {
        expect_verdicts(planned("enforce", reuseaddr),
                        {
                            {fixed, "mark_listener", "tcp program"},
                            {mptcp.with_port(PortChoice::program), "mark_listener", "mptcp program"},
                        });
    }
    expect_verdicts({}, {{fixed, "mark_listener", "tcp program"}});
}

TEST(DecideListen, LeavesAValueThatTheProgramChose) {
    expect_verdicts(planned("enforce"),
                    {{fixed.with_chosen_reuseaddr(), "pass", "tcp program chose_reuseaddr"}});
}

TEST(DecideListen, SetsNothingWithReuseaddrOff) {
    expect_verdicts(planned("enforce", "off"), {{fixed, "pass", "tcp program"}});
}

TEST(DecideListen, NeverMarksAPortThatTheKernelChose) {
    expect_verdicts({}, {{tcp, "pass", "tcp"}, {mptcp, "pass", "mptcp"}});
    expect_verdicts(planned("enforce"),
                    {{tcp.with_clamp(), "pass", "tcp clamped"},
                     {tcp.with_port(PortChoice::courteous).with_clamp(), "pass", "tcp courteous clamped"}});
}

TEST(DecideListen, KeepsAPortChosenByListenItselfInsideEphemeral) {
    expect_verdicts(planned("enforce"), {{tcp, "set_range", "tcp clamped"},
                                         {mptcp, "set_range", "mptcp clamped"},
                                         {tcp.with_chosen_range(), "pass", "tcp chose_range"}});
}

TEST(DecideListen, BindsThatPortItselfWhereNoClampReachesEphemeral) {
    expect_verdicts(planned("enforce"),
                    {{tcp, "bind_range", "tcp"},
                     {fixed, "mark_listener", "tcp program"},
                     {tcp.with_chosen_range(), "pass", "tcp chose_range"}},
                    host("10000-14000"));
}

TEST(DecideListen, TakesThatPortFromListenWhereThatIsAsked) {
    Config config = planned("enforce");
    config.port_zero = PortZero::listen;
    expect_verdicts(config, {{tcp, "bind_listen", "tcp"}, {fixed, "mark_listener", "tcp program"}});
}

TEST(DecideListen, LeavesThatPortAloneWhereItNeedsNothing) {
    expect_verdicts(planned("enforce"), {{tcp, "pass", "tcp"}}, host("32768-60999"));
}

TEST(DecideListen, LeavesUdpAndOtherAndNeverSeenSocketsAlone) {
    expect_verdicts(planned("enforce"), {
                                            {udp, "pass", "udp"},
                                            {udp.with_port(PortChoice::program), "pass", "udp program"},
                                            {SocketFacts::of(Protocol::other), "pass", "other"},
                                            {SocketFacts(), "pass", "unknown"},
                                        });
}

TEST(DecideListen, TakesASocketThatWasFirstSeenInBindForTcp) {
    expect_verdicts({}, {{SocketFacts().with_port(PortChoice::program), "mark_listener", "unknown program"}});
}

TEST(DecideListen, TellsAListenerInsideTheEphemeralRange) {
    expect_verdicts({}, {{at_risk, "mark_listener, tell_ephemeral", "tcp program_in_ephemeral"},
                         {at_risk.with_chosen_reuseaddr(), "tell_ephemeral",
                          "tcp program_in_ephemeral chose_reuseaddr"}});
    expect_verdicts(configured({{"reuseaddr", "off"}}),
                    {{at_risk, "tell_ephemeral", "tcp program_in_ephemeral"}});
}

TEST(DecideListen, RefusesAPortInsideEphemeralUnderAPlan) {
    expect_verdicts(
        planned("enforce"),
        {{at_risk, "refuse", "tcp program_in_ephemeral"},
         {at_risk.with_chosen_reuseaddr(), "refuse", "tcp program_in_ephemeral chose_reuseaddr"},
         {mptcp.with_port(PortChoice::program_in_ephemeral), "refuse", "mptcp program_in_ephemeral"},
         {SocketFacts().with_port(PortChoice::program_in_ephemeral), "refuse",
          "unknown program_in_ephemeral"}});
    expect_verdicts(planned("enforce", "off"), {{at_risk, "refuse", "tcp program_in_ephemeral"}});
}

TEST(DecideListen, ObserveChangesNothingAndStillTells) {
    expect_verdicts(planned("observe"), {{fixed, "pass", "tcp program"},
                                         {tcp, "pass", "tcp"},
                                         {at_risk, "tell_refused", "tcp program_in_ephemeral"}});
    expect_verdicts(configured({{"mode", "observe"}}),
                    {{at_risk, "tell_ephemeral", "tcp program_in_ephemeral"}});
}

TEST(DecideListen, OffLetsEverythingPassAndTellsNothing) {
    expect_verdicts(planned("off"), {{fixed, "pass", "tcp program"}, {tcp, "pass", "tcp"}});
    expect_verdicts(configured({{"mode", "off"}}), {{at_risk, "pass", "tcp program_in_ephemeral"}});
}

} // namespace
} // namespace portguard
