// The short cut of bind must never say anything else than decide_bind.
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "core/making.h"
#include "core/policy.h"

namespace portguard {
namespace {

using test::configured;
using test::host;
using test::what;
using test::facts::tcp;

std::vector<test::SocketAddress> addresses() {
    std::vector<test::SocketAddress> result{test::unix_path("/tmp/x")};
    for (const std::uint16_t port : test::PortNumbers{0, 1, 80, 20000, 65535}) {
        result.push_back(test::ipv4("10.1.2.3", port));
        result.push_back(test::ipv6("::1", port));
        result.push_back(test::ipv6("::ffff:10.1.2.3", port));
        result.push_back(test::ipv4("0.0.0.0", port, AF_UNSPEC));
        result.push_back(test::ipv4("10.1.2.3", port, AF_PACKET));
    }
    return result;
}

/// True: the short cut was taken, and decide_bind says the same.
bool is_taken(const Config& config, SocketFacts facts, const sockaddr* address, socklen_t length) {
    if (!is_bind_in_plan(config, facts, address, length)) {
        return false;
    }
    const OutgoingPlan plan = plan_outgoing(config, host("10000-60999"));
    const Verdict verdict = decide_bind(config, plan, facts, read_target(address, length));
    EXPECT_EQ(what(verdict), "pass");
    EXPECT_EQ(what(verdict.next), what(facts.with_port(PortChoice::program)));
    return true;
}

TEST(BindInPlan, AgreesWithTheWholeDecisionWheneverItIsTaken) {
    int taken = 0;
    for (const char* listen : {"80", "1-65535", "65535"}) {
        const Config config = configured({{"listen", listen}});
        for (const test::SocketAddress& address : addresses()) {
            for (const auto protocol :
                 {Protocol::unknown, Protocol::other, Protocol::tcp, Protocol::mptcp, Protocol::udp}) {
                for (socklen_t length = 0; length <= sizeof(sockaddr_storage) + 1; ++length) {
                    taken += is_taken(config, SocketFacts::of(protocol), address.get(), length) ? 1 : 0;
                }
            }
        }
    }
    EXPECT_GT(taken, 0);
}

TEST(BindInPlan, IsTakenForAnExplicitPortOfThePlanAlone) {
    const Config config = configured({{"listen", "80"}});
    const auto taken = [&](const test::SocketAddress& address, const Config& plan) {
        return is_taken(plan, tcp, address.get(), address.length);
    };
    EXPECT_TRUE(taken(test::ipv4("10.1.2.3", 80), config));
    EXPECT_TRUE(taken(test::ipv6("::1", 80), config));
    EXPECT_FALSE(taken(test::ipv4("10.1.2.3", 81), config));
    EXPECT_FALSE(taken(test::ipv4("10.1.2.3", 0), config));
    EXPECT_FALSE(taken(test::ipv4("10.1.2.3", 80), {}));
}

TEST(BindInPlan, IsNotTakenWhereTheFlagOfAFailedConnectionHasToGoFirst) {
    const Config config = configured({{"listen", "80"}});
    const test::SocketAddress address = test::ipv4("10.1.2.3", 80);
    EXPECT_FALSE(
        is_bind_in_plan(config, tcp.with_port(PortChoice::courteous), address.get(), address.length));
}

TEST(BindInPlan, LeavesToTheKernelWhatTheWholeDecisionWouldLeaveToIt) {
    const Config config = configured({{"listen", "80"}});
    const OutgoingPlan plan = plan_outgoing(config, host("10000-60999"));
    sockaddr_storage address{};
    const auto* const pointer = reinterpret_cast<const sockaddr*>(&address);
    for (const int family : {AF_UNIX, AF_NETLINK, AF_PACKET, AF_VSOCK}) {
        address.ss_family = static_cast<sa_family_t>(family);
        EXPECT_TRUE(is_of_no_plan(pointer, sizeof(sa_family_t))) << family;
        EXPECT_FALSE(is_of_no_plan(pointer, sizeof(sa_family_t) - 1)) << family;
        EXPECT_EQ(what(decide_bind(config, plan, {}, read_target(pointer, sizeof address))), "pass")
            << family;
    }
    for (const int family : {AF_UNSPEC, AF_INET, AF_INET6}) {
        address.ss_family = static_cast<sa_family_t>(family);
        EXPECT_FALSE(is_of_no_plan(pointer, sizeof address)) << family;
    }
    EXPECT_FALSE(is_of_no_plan(nullptr, sizeof address));
}

TEST(BindInPlan, NeverTouchesAPointerThatCannotBeOne) {
    const Config config = configured({{"listen", "1-65535"}});
    for (const std::uintptr_t number : {std::uintptr_t{0}, std::uintptr_t{1}, ~std::uintptr_t{0}}) {
        EXPECT_FALSE(is_taken(config, tcp, test::wild_pointer(number), sizeof(sockaddr_in))) << number;
    }
}

TEST(BindInPlan, TakesAnAddressAtAnOddPlace) {
    alignas(sockaddr_in) char memory[sizeof(sockaddr_in) + 1];
    const test::SocketAddress address = test::ipv4("10.1.2.3", 80);
    std::memcpy(memory + 1, &address.storage, sizeof(sockaddr_in));
    EXPECT_TRUE(is_taken(configured({{"listen", "80"}}), tcp, reinterpret_cast<const sockaddr*>(memory + 1),
                         sizeof(sockaddr_in)));
}

} // namespace
} // namespace portguard
