#include "core/event.h"

#include <cerrno>
#include <string>

#include <gtest/gtest.h>

#include "core/errno_name.h"
#include "core/making.h"
#include "core/options.h"

namespace portguard {
namespace {

using test::configured;
using test::written;

constexpr EventKind kinds[] = {EventKind::refused,
                               EventKind::in_use,
                               EventKind::cured,
                               EventKind::exhausted,
                               EventKind::unavailable,
                               EventKind::privileged,
                               EventKind::ephemeral_listener,
                               EventKind::injected,
                               EventKind::invalid,
                               EventKind::joined};

Event event(EventKind kind, int error = 0, Protocol protocol = Protocol::tcp) {
    const test::SocketAddress asked = test::ipv4("0.0.0.0", 20000);
    return {kind, Call::bind, protocol, error, 4242, "nginx", read_endpoint(asked.get(), asked.length)};
}

std::string head(const Event& told) {
    return written([&](TextWriter& out) { print_event_head(told, out); });
}

std::string reason(const Event& told, const Config& config) {
    return written([&](TextWriter& out) { print_known_reason(told, config, out); });
}

TEST(Names, AreThoseOfTheSchema) {
    const std::pair<Call, std::string_view> calls[] = {{Call::bind, "bind"},
                                                       {Call::listen, "listen"},
                                                       {Call::connect, "connect"},
                                                       {Call::setsockopt, "setsockopt"}};
    for (const auto& [call, name] : calls) {
        EXPECT_EQ(call_name(call), name);
        EXPECT_EQ(call_named(name), call);
    }
    constexpr std::string_view event_names[] = {
        "refused",  "in_use",  "cured", "exhausted", "unavailable", "privileged", "ephemeral_listener",
        "injected", "invalid", "joined"};
    for (std::size_t index = 0; index < std::size(kinds); ++index) {
        EXPECT_EQ(event_name(kinds[index]), event_names[index]);
        EXPECT_EQ(event_named(event_names[index]), kinds[index]);
    }
    const std::pair<Protocol, std::string_view> protocols[] = {{Protocol::tcp, "tcp"},
                                                               {Protocol::mptcp, "mptcp"},
                                                               {Protocol::udp, "udp"},
                                                               {Protocol::other, "inet"},
                                                               {Protocol::unknown, "inet"}};
    for (const auto& [protocol, name] : protocols) {
        EXPECT_EQ(protocol_name(protocol), name);
        EXPECT_EQ(protocol_named(name), protocol == Protocol::other ? Protocol::unknown : protocol);
    }
}

TEST(Names, ThatAreNotThoseOfTheSchemaMeanNothing) {
    for (const std::string_view name : {"", "Bind", "bind ", "icmp", "injectedx"}) {
        EXPECT_EQ(call_named(name), std::nullopt);
        EXPECT_EQ(event_named(name), std::nullopt);
        EXPECT_EQ(protocol_named(name), std::nullopt);
        EXPECT_EQ(errno_named(name), std::nullopt);
    }
}

TEST(ErrnoName, KnowsTheErrnosOfTheInterceptedCalls) {
    EXPECT_EQ(errno_name(EADDRINUSE), "EADDRINUSE");
    EXPECT_EQ(errno_name(EADDRNOTAVAIL), "EADDRNOTAVAIL");
    EXPECT_EQ(errno_name(ENODEV), "ENODEV");
    EXPECT_EQ(errno_name(EACCES), "EACCES");
    EXPECT_EQ(errno_name(EPERM), "EPERM");
    EXPECT_EQ(errno_named("EADDRINUSE"), EADDRINUSE);
    EXPECT_EQ(errno_name(0), "");
    EXPECT_EQ(errno_name(-1), "");
    EXPECT_EQ(errno_name(EPROTO), "");
}

TEST(EventHead, TellsWhoAskedForWhatAndWhatCameOfIt) {
    EXPECT_EQ(head(event(EventKind::refused, EACCES)),
              "portguard: nginx[4242]: bind tcp 0.0.0.0:20000: refused (EACCES)");
    EXPECT_EQ(head(event(EventKind::in_use, EADDRINUSE)),
              "portguard: nginx[4242]: bind tcp 0.0.0.0:20000: in use (EADDRINUSE)");
    EXPECT_EQ(head(event(EventKind::cured)), "portguard: nginx[4242]: bind tcp 0.0.0.0:20000: cured");
    EXPECT_EQ(head(event(EventKind::privileged, 71, Protocol::mptcp)),
              "portguard: nginx[4242]: bind mptcp 0.0.0.0:20000: privileged port (errno 71)");
}

TEST(EventHead, HasItsOwnWordsForEveryKind) {
    std::string seen = "\n";
    for (const EventKind kind : kinds) {
        const std::string line = head(event(kind)) + "\n";
        EXPECT_EQ(seen.find("\n" + line), std::string::npos) << line;
        EXPECT_FALSE(line.ends_with(": \n")) << line;
        seen += line;
    }
}

TEST(EventHead, NeutralisesTheProgramsName) {
    Event told = event(EventKind::in_use);
    told.program = "evil\n\x1b[2J";
    EXPECT_TRUE(head(told).starts_with("portguard: evil??[2J[4242]: bind")) << head(told);
}

TEST(KnownReason, OfARefusalIsThePlan) {
    const Config config = configured({{"listen", "80,5000-14999"}});
    EXPECT_EQ(reason(event(EventKind::refused), config), "outside listen=80,5000-14999");
}

TEST(KnownReason, OfAnObservedRefusalSaysThatItPassed) {
    const Config config = configured({{"listen", "80"}, {"mode", "observe"}});
    EXPECT_EQ(reason(event(EventKind::refused), config), "outside listen=80; passed, since mode=observe");
}

TEST(KnownReason, CutsAPlanThatWouldFillTheLine) {
    const std::string text =
        reason(event(EventKind::refused), configured({{"listen", test::thousand_ranges()}}));
    EXPECT_TRUE(text.starts_with("outside listen=10000,10002,")) << text;
    EXPECT_TRUE(text.ends_with("...")) << text;
    EXPECT_LT(text.size(), 150U);
}

TEST(KnownReason, OfARefusedUdpPortSaysThatOthersAreNotReported) {
    EXPECT_EQ(reason(event(EventKind::refused, 0, Protocol::udp), configured({{"listen", "80"}})),
              "outside listen=80; reported for one UDP port per process");
}

TEST(KnownReason, OfAPortAtRiskIsTheRisk) {
    EXPECT_EQ(reason(event(EventKind::ephemeral_listener), {}),
              "any outgoing connection may be given this port before the next start");
}

TEST(KnownReason, NamesTheOptionThatAskedForAFault) {
    EXPECT_EQ(reason(event(EventKind::injected), configured({{"inject", "bind:8080:EADDRINUSE:1"}})),
              "inject=bind:8080:EADDRINUSE:1");
}

TEST(KnownReason, SaysThatAGroupJoinedTwiceIsAboutNoPort) {
    Event told = event(EventKind::joined, EADDRINUSE, Protocol::udp);
    told.call = Call::setsockopt;
    EXPECT_EQ(head(told), "portguard: nginx[4242]: setsockopt udp 0.0.0.0: joined already (EADDRINUSE)");
    EXPECT_EQ(reason(told, {}), "this socket is a member of that multicast group already; no port is in use");
}

TEST(KnownReason, IsNothingWhereOnlyTheHoldersCouldExplain) {
    for (const EventKind kind : {EventKind::in_use, EventKind::cured, EventKind::exhausted,
                                 EventKind::unavailable, EventKind::privileged, EventKind::invalid}) {
        EXPECT_EQ(reason(event(kind), configured({{"listen", "80"}})), "") << event_name(kind);
    }
}

} // namespace
} // namespace portguard
