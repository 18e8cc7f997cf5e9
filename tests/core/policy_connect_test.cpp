#include <cerrno>

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
using test::facts::unknown;

constexpr SocketFacts courteous = tcp.with_port(PortChoice::courteous);

Config planned(std::string_view mode = "enforce") {
    return configured({{"listen", "5000-14999"}, {"ephemeral", "15000-65000"}, {"mode", mode}});
}

/// No way but courtesy is left on a host whose range covers listen ports.
Config without_range() {
    Config config = planned();
    config.range_method = RangeMethod::off;
    return config;
}

/// Hosts on which that plan needs a clamp, cannot have one and binds, and needs nothing.
const HostPorts clamping = host("10000-60999");
const HostPorts apart = host("10000-14000");
const HostPorts already_split = host("32768-60999");

struct Row {
    SocketFacts facts;
    std::string_view verdict, next;
};

void expect_verdicts(const Config& config, const HostPorts& host_ports, std::initializer_list<Row> rows) {
    const OutgoingPlan plan = plan_outgoing(config, host_ports);
    for (const Row& row : rows) {
        SCOPED_TRACE(what(row.facts));
        const Verdict verdict = decide_connect(config, plan, row.facts);
        EXPECT_EQ(what(verdict), row.verdict);
        EXPECT_EQ(what(verdict.next), row.next);
    }
}

TEST(DecideConnect, DoesNothingWhereTheHostAlreadyKeepsOutOfListen) {
    expect_verdicts(planned(), already_split,
                    {{tcp, "pass", "tcp"}, {mptcp, "pass", "mptcp"}, {unknown, "pass", "unknown"}});
}

TEST(DecideConnect, ClampsASocketWithoutAPort) {
    expect_verdicts(planned(), clamping,
                    {{tcp, "set_range", "tcp clamped"}, {mptcp, "set_range", "mptcp clamped"}});
}

TEST(DecideConnect, ClampsOnce) {
    expect_verdicts(planned(), clamping, {{tcp.with_clamp(), "pass", "tcp clamped"}});
}

TEST(DecideConnect, LeavesARangeThatTheProgramChose) {
    expect_verdicts(planned(), clamping, {{tcp.with_chosen_range(), "pass", "tcp chose_range"}});
}

TEST(DecideConnect, LeavesASocketThatHasItsPort) {
    for (const HostPorts* host_ports : {&clamping, &apart}) {
        expect_verdicts(
            planned(), *host_ports,
            {{tcp.with_port(PortChoice::program), "pass", "tcp program"},
             {tcp.with_port(PortChoice::program_in_ephemeral), "pass", "tcp program_in_ephemeral"},
             {courteous, "pass", "tcp courteous"}});
    }
}

TEST(DecideConnect, BindsASocketWithoutAPortWhereNoClampReachesEphemeral) {
    expect_verdicts(planned(), apart,
                    {{tcp, "bind_range", "tcp"},
                     {mptcp, "bind_range", "mptcp"},
                     {udp, "bind_range", "udp"},
                     {tcp.with_chosen_range(), "pass", "tcp chose_range"}});
    const OutgoingPlan old_kernel = plan_outgoing(planned(), clamping, false);
    EXPECT_EQ(what(decide_connect(planned(), old_kernel, tcp)), "bind_range");
}

TEST(DecideConnect, AsksTheKernelAboutASocketItNeverSawBeforeItClampsOrBinds) {
    expect_verdicts(planned(), clamping, {{unknown, "ask_kernel", "unknown"}});
    expect_verdicts(planned(), apart, {{unknown, "ask_kernel", "unknown"}});
}

TEST(DecideConnect, DoesWithoutWhereASocketItNeverSawWouldGetCourtesy) {
    expect_verdicts(without_range(), clamping, {{unknown, "pass", "unknown"}});
}

TEST(DecideConnect, GivesCourtesyWhereNothingElseIsPossible) {
    expect_verdicts(without_range(), clamping, {{tcp, "give_courtesy", "tcp courteous"}});
}

TEST(DecideConnect, GivesCourtesyWithoutAPlan) {
    expect_verdicts({}, already_split, {{tcp, "give_courtesy", "tcp courteous"}});
    expect_verdicts({}, {}, {{tcp, "give_courtesy", "tcp courteous"}});
}

TEST(DecideConnect, GivesMptcpNoCourtesy) {
    expect_verdicts({}, already_split, {{mptcp, "pass", "mptcp"}});
}

TEST(DecideConnect, GivesNoCourtesyWhereTheProgramChoseAValue) {
    expect_verdicts({}, already_split, {{tcp.with_chosen_reuseaddr(), "pass", "tcp chose_reuseaddr"}});
}

TEST(DecideConnect, GivesCourtesyWithReuseaddrAutoAlone) {
    for (const char* reuseaddr : {"listeners", "off"}) {
        expect_verdicts(configured({{"reuseaddr", reuseaddr}}), already_split, {{tcp, "pass", "tcp"}});
    }
}

TEST(DecideConnect, ClampsWhateverReuseaddrSays) {
    Config config = planned();
    for (const ReuseAddress choice : {ReuseAddress::listeners, ReuseAddress::off}) {
        config.reuseaddr = choice;
        expect_verdicts(config, clamping, {{tcp, "set_range", "tcp clamped"}});
    }
}

TEST(DecideConnect, LeavesOtherSocketsAlone) {
    for (const HostPorts* host_ports : {&clamping, &apart, &already_split}) {
        expect_verdicts(planned(), *host_ports, {{SocketFacts::of(Protocol::other), "pass", "other"}});
    }
}

TEST(EndsCourtesy, WhereTheConnectionIsDissolvedOrHasFailed) {
    EXPECT_TRUE(ends_courtesy(0, true));
    for (const int error : {ECONNREFUSED, ECONNABORTED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH}) {
        EXPECT_TRUE(ends_courtesy(error, false)) << error;
    }
}

TEST(EndsCourtesy, NotWhereTheConnectionIsThereOrUnderWay) {
    for (const int error : {0, EINPROGRESS, EALREADY, EISCONN, EINTR}) {
        EXPECT_FALSE(ends_courtesy(error, false)) << error;
    }
}

TEST(EndsCourtesy, AndTheNextConnectionIsGivenItAgain) {
    const OutgoingPlan plan = plan_outgoing({}, already_split);
    const Verdict given = decide_connect({}, plan, tcp);
    EXPECT_EQ(what(decide_connect({}, plan, given.next.without_courtesy())), "give_courtesy");
}

TEST(DecideConnect, ObserveAndOffChangeNothing) {
    for (const char* mode : {"observe", "off"}) {
        for (const HostPorts* host_ports : {&clamping, &apart, &already_split}) {
            expect_verdicts(planned(mode), *host_ports, {{tcp, "pass", "tcp"}, {unknown, "pass", "unknown"}});
        }
        expect_verdicts(configured({{"mode", mode}}), already_split, {{tcp, "pass", "tcp"}});
    }
}

} // namespace
} // namespace portguard
