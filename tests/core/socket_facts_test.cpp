#include "core/socket_facts.h"

#include <gtest/gtest.h>

#include "core/making.h"

namespace portguard {
namespace {

using test::what;

constexpr Protocol protocols[] = {Protocol::unknown, Protocol::other, Protocol::tcp, Protocol::mptcp,
                                  Protocol::udp};
constexpr PortChoice choices[] = {PortChoice::kernel, PortChoice::program, PortChoice::program_in_ephemeral,
                                  PortChoice::courteous};

TEST(SocketFacts, AllZeroIsNeverSeen) {
    EXPECT_EQ(SocketFacts().bits(), 0);
    EXPECT_EQ(what(SocketFacts()), "unknown");
    EXPECT_EQ(SocketFacts::of(Protocol::unknown), SocketFacts());
}

TEST(SocketFacts, FitOneByteAndComeBackFromIt) {
    static_assert(sizeof(SocketFacts) == 1);
    for (const Protocol protocol : protocols) {
        for (const PortChoice choice : choices) {
            const SocketFacts facts = SocketFacts::of(protocol).with_port(choice).with_clamp();
            EXPECT_EQ(SocketFacts(facts.bits()), facts);
            EXPECT_EQ(facts.protocol(), protocol);
            EXPECT_EQ(facts.port(), choice);
            EXPECT_TRUE(facts.clamped());
            EXPECT_FALSE(facts.chose_range());
            EXPECT_FALSE(facts.chose_reuseaddr());
        }
    }
}

TEST(SocketFacts, CountTcpAndMptcpAlikeAndNothingElse) {
    EXPECT_TRUE(SocketFacts::of(Protocol::tcp).is_tcp_like());
    EXPECT_TRUE(SocketFacts::of(Protocol::mptcp).is_tcp_like());
    EXPECT_FALSE(SocketFacts::of(Protocol::udp).is_tcp_like());
    EXPECT_FALSE(SocketFacts::of(Protocol::other).is_tcp_like());
    EXPECT_FALSE(SocketFacts().is_tcp_like());
}

TEST(SocketFacts, ReplaceThePortChoice) {
    SocketFacts facts = SocketFacts::of(Protocol::tcp).with_port(PortChoice::courteous);
    facts = facts.with_port(PortChoice::program);
    EXPECT_EQ(what(facts), "tcp program");
    EXPECT_EQ(what(facts.with_port(PortChoice::kernel)), "tcp");
}

TEST(SocketFacts, AFlagOfTheProgramsOwnEndsOurCourtesyAndKeepsAnyOtherPortChoice) {
    for (const PortChoice choice : choices) {
        const SocketFacts facts = SocketFacts::of(Protocol::tcp).with_port(choice).with_chosen_reuseaddr();
        EXPECT_TRUE(facts.chose_reuseaddr());
        EXPECT_EQ(facts.port(), choice == PortChoice::courteous ? PortChoice::kernel : choice);
    }
}

TEST(SocketFacts, WithoutCourtesyThePortIsTheKernelsToChoose) {
    for (const PortChoice choice : choices) {
        const SocketFacts facts = SocketFacts::of(Protocol::tcp).with_port(choice).without_courtesy();
        EXPECT_EQ(facts.port(), choice == PortChoice::courteous ? PortChoice::kernel : choice);
    }
}

TEST(SocketFacts, ARangeOfTheProgramsOwnReplacesOurs) {
    const SocketFacts facts = SocketFacts::of(Protocol::udp).with_clamp().with_chosen_range();
    EXPECT_EQ(what(facts), "udp chose_range");
}

} // namespace
} // namespace portguard
