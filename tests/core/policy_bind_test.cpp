#include <cerrno>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "core/making.h"
#include "core/policy.h"

namespace portguard {
namespace {

using test::configured;
using test::host;
using test::what;
using test::facts::mptcp;
using test::facts::other;
using test::facts::tcp;
using test::facts::udp;
using test::facts::unknown;

constexpr Target port(std::uint16_t number, Family family = Family::ipv4) {
    return {family, false, number};
}
constexpr Target unspecified(std::uint16_t number) {
    return {Family::ipv4, true, number};
}

Config planned(std::string_view mode = "enforce") {
    return configured({{"listen", "80,443,5000-14999"}, {"ephemeral", "15000-65000"}, {"mode", mode}});
}

struct Row {
    SocketFacts facts;
    Target target;
    std::string_view verdict, next;
};

/// Under the plan on a host whose range covers listen ports, unless told otherwise.
void expect_verdicts(const Config& config, std::initializer_list<Row> rows,
                     const HostPorts& host_ports = host("10000-60999")) {
    const OutgoingPlan plan = plan_outgoing(config, host_ports);
    for (const Row& row : rows) {
        SCOPED_TRACE(testing::Message() << what(row.facts) << " to port " << row.target.port);
        const Verdict verdict = decide_bind(config, plan, row.facts, row.target);
        EXPECT_EQ(what(verdict), row.verdict);
        if (verdict.before != Before::ask_kernel) {
            EXPECT_EQ(what(verdict.next), row.next);
        }
    }
}

TEST(DecideBind, LetsAPortOfThePlanPassAndRemembersIt) {
    expect_verdicts(planned(), {
                                   {tcp, port(80), "pass", "tcp program"},
                                   {tcp, port(5000), "pass", "tcp program"},
                                   {tcp, port(14999), "pass", "tcp program"},
                                   {tcp, port(443, Family::ipv6), "pass", "tcp program"},
                                   {mptcp, port(80), "pass", "mptcp program"},
                                   {udp, port(5353), "pass", "udp program"},
                                   {unknown, port(80), "pass", "unknown program"},
                               });
}

TEST(DecideBind, RefusesAPortOutsideListenAndEphemeral) {
    expect_verdicts(planned(), {
                                   {tcp, port(1), "refuse", "tcp"},
                                   {tcp, port(4999), "refuse", "tcp"},
                                   {tcp, port(65001), "refuse", "tcp"},
                                   {tcp, port(65535), "refuse", "tcp"},
                                   {tcp, port(4000, Family::ipv6), "refuse", "tcp"},
                                   {mptcp, port(4000), "refuse", "mptcp"},
                                   {udp, port(53), "refuse", "udp"},
                                   {udp, port(65001), "refuse", "udp"},
                               });
}

TEST(DecideBind, LetsAPortInsideEphemeralPassAndRemembersThatItMayNotBeListenedOn) {
    expect_verdicts(planned(), {
                                   {tcp, port(15000), "pass", "tcp program_in_ephemeral"},
                                   {tcp, port(65000, Family::ipv6), "pass", "tcp program_in_ephemeral"},
                                   {mptcp, port(20000), "pass", "mptcp program_in_ephemeral"},
                                   {unknown, port(20000), "pass", "unknown program_in_ephemeral"},
                               });
}

TEST(DecideBind, LetsAUdpPortInsideEphemeralPassInSilence) {
    expect_verdicts(planned(), {
                                   {udp, port(15000), "pass", "udp program"},
                                   {udp, port(65000, Family::ipv6), "pass", "udp program"},
                               });
}

TEST(DecideBind, TakesTheHostsRangeForEphemeralWhereNoneIsGiven) {
    expect_verdicts(configured({{"listen", "80"}}),
                    {
                        {tcp, port(10000), "pass", "tcp program_in_ephemeral"},
                        {tcp, port(60999), "pass", "tcp program_in_ephemeral"},
                        {tcp, port(9999), "refuse", "tcp"},
                        {tcp, port(61000), "refuse", "tcp"},
                    });
}

TEST(DecideBind, AsksTheKernelBeforeItRefusesASocketItNeverSaw) {
    expect_verdicts(planned(), {{unknown, port(4000), "ask_kernel", ""}});
}

TEST(DecideBind, LeavesOtherSocketsAndAddressesAlone) {
    expect_verdicts(planned(), {
                                   {other, port(20000), "pass", "other"},
                                   {other, port(0), "pass", "other"},
                                   {other, unspecified(20000), "pass", "other"},
                                   {tcp, {}, "pass", "tcp"},
                                   {unknown, {}, "pass", "unknown"},
                               });
}

TEST(DecideBind, LeavesToTheKernelWhatTheKernelWillNotRead) {
    const test::SocketAddress outside = test::ipv4("0.0.0.0", 4000);
    const test::SocketAddress local = test::unix_path("/tmp/x");
    const Target targets[] = {
        read_target(nullptr, sizeof(sockaddr_in)),
        read_target(test::wild_pointer(1), sizeof(sockaddr_in)),
        read_target(test::wild_pointer(~std::uintptr_t{0}), 16),
        read_target(outside.get(), sizeof(sockaddr_in) - 1),
        read_target(outside.get(), 0),
        read_target(outside.get(), sizeof(sockaddr_storage) + 1),
        read_target(local.get(), local.length),
        read_target(test::ipv4("127.0.0.1", 80, AF_UNSPEC).get(), 16),
    };
    for (const Target target : targets) {
        expect_verdicts(planned(), {{tcp, target, "pass", "tcp"}, {unknown, target, "pass", "unknown"}});
    }
    expect_verdicts(planned(), {{tcp, read_target(outside.get(), outside.length), "refuse", "tcp"}});
}

TEST(DecideBind, JudgesAV4MappedAddressByItsPort) {
    const test::SocketAddress mapped = test::ipv6("::ffff:10.1.2.3", 4000);
    expect_verdicts(planned(), {{tcp, read_target(mapped.get(), mapped.length), "refuse", "tcp"}});
}

TEST(DecideBind, TakesUnspecifiedFamilyAsIpv4OnInternetSocketsAlone) {
    expect_verdicts(planned(), {
                                   {tcp, unspecified(80), "pass", "tcp program"},
                                   {tcp, unspecified(4000), "refuse", "tcp"},
                                   {udp, unspecified(20000), "pass", "udp program"},
                                   {unknown, unspecified(80), "ask_kernel", ""},
                                   {unknown, unspecified(20000), "ask_kernel", ""},
                               });
}

TEST(DecideBind, KeepsPortZeroInsideEphemeral) {
    constexpr SocketFacts own_range = tcp.with_chosen_range();
    expect_verdicts(planned(), {
                                   {tcp, port(0), "set_range", "tcp clamped"},
                                   {mptcp, port(0, Family::ipv6), "set_range", "mptcp clamped"},
                                   {tcp.with_clamp(), port(0), "pass", "tcp clamped"},
                                   {own_range, port(0), "pass", "tcp chose_range"},
                                   {unknown, port(0), "ask_kernel", ""},
                                   {udp, port(0), "set_range", "udp clamped"},
                               });
}

TEST(DecideBind, BindsPortZeroItselfWhereNoClampReachesEphemeral) {
    expect_verdicts(planned(),
                    {
                        {tcp, port(0), "bind_range", "tcp"},
                        {mptcp, port(0), "bind_range", "mptcp"},
                        {udp, port(0), "bind_range", "udp"},
                        {unknown, port(0), "ask_kernel", ""},
                        {tcp.with_chosen_range(), port(0), "pass", "tcp chose_range"},
                    },
                    host("10000-14000"));
}

TEST(DecideBind, LeavesPortZeroAloneWhereItNeedsNothingOrNothingMayBeDone) {
    const std::initializer_list<Row> untouched{{tcp, port(0), "pass", "tcp"},
                                               {unknown, port(0), "pass", "unknown"}};
    expect_verdicts(planned(), untouched, host("32768-60999"));
    expect_verdicts({}, untouched);
    Config config = planned();
    config.range_method = RangeMethod::off;
    expect_verdicts(config, untouched);
}

TEST(DecideBind, ServesPortZeroFromListenWhereThatIsAsked) {
    for (const char* range : {"10000-60999", "32768-60999", "10000-14000", ""}) {
        Config config = planned();
        config.port_zero = PortZero::listen;
        expect_verdicts(config,
                        {
                            {tcp, port(0), "bind_listen", "tcp"},
                            {mptcp, port(0, Family::ipv6), "bind_listen", "mptcp"},
                            {udp, port(0), "bind_listen", "udp"},
                            {unknown, port(0), "ask_kernel", ""},
                            {other, port(0), "pass", "other"},
                            {tcp.with_chosen_range(), port(0), "pass", "tcp chose_range"},
                            {udp.with_chosen_reuseaddr(), port(0), "pass", "udp chose_reuseaddr"},
                        },
                        host(range));
        config.mode = Mode::observe;
        expect_verdicts(config, {{tcp, port(0), "pass", "tcp"}}, host(range));
    }
}

TEST(DecideBind, ForgetsAnEarlierPortWhenTheKernelChoosesANewOne) {
    constexpr SocketFacts fixed = tcp.with_port(PortChoice::program);
    expect_verdicts({}, {{fixed, port(0), "pass", "tcp"}});
    expect_verdicts(planned(), {{fixed, port(0), "set_range", "tcp clamped"},
                                {fixed.with_clamp(), port(0), "pass", "tcp clamped"}});
}

TEST(DecideBind, WithoutAPlanDeniesNothingAndMarksPortsAtRisk) {
    expect_verdicts({}, {
                            {tcp, port(1), "pass", "tcp program"},
                            {tcp, port(9999), "pass", "tcp program"},
                            {tcp, port(10000), "pass", "tcp program_in_ephemeral"},
                            {tcp, port(60999), "pass", "tcp program_in_ephemeral"},
                            {tcp, port(65535), "pass", "tcp program"},
                            {mptcp, port(10000), "pass", "mptcp program_in_ephemeral"},
                            {unknown, port(10000), "pass", "unknown program_in_ephemeral"},
                            {udp, port(53), "pass", "udp program"},
                        });
}

TEST(DecideBind, WithoutAPlanAUdpPortInsideEphemeralPassesInSilence) {
    expect_verdicts({}, {{udp, port(10000), "pass", "udp program"}});
}

TEST(DecideBind, WithoutAPlanMarksNothingWhereTheHostCannotBeRead) {
    expect_verdicts(
        {}, {{tcp, port(40000), "pass", "tcp program"}, {udp, port(40000), "pass", "udp program"}}, host(""));
}

TEST(DecideBind, CountsAPlannedPortInsideTheHostsRangeAsSafe) {
    const Config config = configured({{"listen", "40000"}});
    expect_verdicts(config,
                    {{tcp, port(40000), "pass", "tcp program"}, {udp, port(40000), "pass", "udp program"}});
}

TEST(DecideBind, ObserveLetsEverythingPassAndTellsWhatEnforceWouldRefuse) {
    expect_verdicts(planned("observe"), {
                                            {tcp, port(80), "pass", "tcp program"},
                                            {tcp, port(4000), "tell_refused", "tcp program"},
                                            {mptcp, port(4000), "tell_refused", "mptcp program"},
                                            {tcp, port(20000), "pass", "tcp program_in_ephemeral"},
                                            {udp, port(53), "tell_refused", "udp program"},
                                            {udp, port(20000), "pass", "udp program"},
                                            {unknown, port(4000), "ask_kernel", ""},
                                            {tcp, port(0), "pass", "tcp"},
                                        });
}

TEST(DecideBind, OffLetsEverythingPassAndTellsNothing) {
    for (const SocketFacts facts : {tcp, udp, mptcp, unknown, other}) {
        for (const std::uint16_t number : test::PortNumbers{0, 80, 20000}) {
            expect_verdicts(planned("off"), {{facts, port(number), "pass", what(facts)},
                                             {facts, unspecified(number), "pass", what(facts)}});
        }
    }
}

TEST(DecideBind, FindsItsPortAmongAThousandRanges) {
    const Config config = configured({{"listen", test::thousand_ranges()}});
    for (std::uint16_t number = 10000; number < 11999; ++number) {
        const bool listed = number % 2 == 0;
        expect_verdicts(
            config, {{tcp, port(number), listed ? "pass" : "refuse", listed ? "tcp program" : "tcp"}}, {});
    }
}

TEST(RefusalErrno, IsEaccesAndForUdpOneThatResolversTryAnotherPortOn) {
    for (const Protocol protocol : {Protocol::tcp, Protocol::mptcp, Protocol::unknown}) {
        EXPECT_EQ(refusal_errno({}, protocol), EACCES);
    }
    EXPECT_EQ(refusal_errno({}, Protocol::udp), EADDRINUSE);
    EXPECT_EQ(refusal_errno(configured({{"deny_errno", "auto"}}), Protocol::udp), EADDRINUSE);
}

TEST(RefusalErrno, IsTheConfiguredOneForEveryProtocol) {
    for (const auto& [name, value] : {std::pair{"EACCES", EACCES}, std::pair{"EPERM", EPERM}}) {
        for (const Protocol protocol : {Protocol::tcp, Protocol::udp}) {
            EXPECT_EQ(refusal_errno(configured({{"deny_errno", name}}), protocol), value) << name;
        }
    }
}

} // namespace
} // namespace portguard
