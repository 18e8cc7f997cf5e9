#include <gtest/gtest.h>

#include "tools/check/facts_of.h"

namespace portguard::test {
namespace {

using tools::Role;

TEST(Roles, AConnectionToAListenersPortCameIn) {
    const auto facts = tools::with_roles({tcp(SocketState::listen, 80), tcp(SocketState::established, 80)});
    EXPECT_EQ(facts[0].role, Role::listener);
    EXPECT_EQ(facts[1].role, Role::accepted);
}

TEST(Roles, AConnectionWithoutAListenerWentOut) {
    const auto facts = tools::with_roles(
        {tcp(SocketState::listen, 80), tcp(SocketState::established, 81), tcp(SocketState::time_wait, 82)});
    EXPECT_EQ(facts[1].role, Role::outgoing);
    EXPECT_EQ(facts[2].role, Role::outgoing);
}

TEST(Roles, AListenerOfAnotherAddressHasNotAccepted) {
    DiagSocket other = tcp(SocketState::listen, 80);
    other.local = endpoint("10.0.0.1", 80);
    EXPECT_EQ(tools::with_roles({other, tcp(SocketState::established, 80)})[1].role, Role::outgoing);
}

TEST(Roles, AListenerOfTheOtherProtocolHasNotAccepted) {
    DiagSocket connection = tcp(SocketState::established, 80);
    connection.protocol = Protocol::udp;
    EXPECT_EQ(tools::with_roles({tcp(SocketState::listen, 80), connection})[1].role, Role::outgoing);
}

} // namespace
} // namespace portguard::test
