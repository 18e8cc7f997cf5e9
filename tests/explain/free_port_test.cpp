// Which other port a cure names.
#include "explain/free_port.h"

#include <cerrno>

#include <gtest/gtest.h>

#include "support/private_net.h"
#include "support/sockets.h"

namespace portguard::test {
namespace {

HostSettings usual_host() {
    HostSettings host;
    host.ports.range = {32768, 60999};
    host.unprivileged_port_start = 1024;
    return host;
}

PortSet set_of(PortRange range) {
    PortSet set;
    set.insert(range);
    return set;
}

std::uint16_t first_beside(std::uint16_t asked, const HostSettings& host, const PortSet& listen = {}) {
    const auto ports = ports_beside(asked, listen, host);
    return ports.empty() ? std::uint16_t{0} : ports.front();
}

TEST(PortsBeside, TheNearestComesFirstAndTheHigherOfTwo) {
    const auto ports = ports_beside(7000, {}, usual_host());
    ASSERT_GE(ports.size(), 3U);
    EXPECT_EQ(ports[0], 7001);
    EXPECT_EQ(ports[1], 6999);
    EXPECT_EQ(ports[2], 7002);
}

TEST(PortsBeside, APortThatKnownSoftwareTakesIsNotAdvised) {
    EXPECT_EQ(first_beside(5431, usual_host()), 5430) << "5432 is PostgreSQL's";
    EXPECT_EQ(first_beside(2048, usual_host()), 2047) << "2049 is NFS's";
}

TEST(PortsBeside, WhatTheKernelGivesByItselfIsNotAdvisedUnlessItIsReserved) {
    HostSettings host = usual_host();
    host.ports.range = {7000, 8000};
    EXPECT_EQ(first_beside(7000, host), 6999);
    EXPECT_EQ(first_beside(8000, host), 8001);
    host.ports.reserved = set_of({7001, 7001});
    EXPECT_EQ(first_beside(7000, host), 7001);
}

TEST(PortsBeside, OfAPlanOnlyItsListenPorts) {
    EXPECT_EQ(first_beside(7000, usual_host(), set_of({7100, 7200})), 7100);
    EXPECT_TRUE(ports_beside(7000, set_of({7000, 7000}), usual_host()).empty());
}

TEST(PortsBeside, APortThatNeedsACapabilityIsAdvisedOnlyForOne) {
    EXPECT_EQ(first_beside(1024, usual_host()), 1025);
    EXPECT_EQ(first_beside(443, usual_host()), 444);
    HostSettings host = usual_host();
    host.unprivileged_port_start = 0;
    EXPECT_EQ(first_beside(1, host), 2);
}

using NearestFreePort = PrivateNetTest;

std::uint16_t free_beside(std::uint16_t asked, Protocol protocol) {
    return nearest_free_port(asked, protocol, {}, usual_host(), {}, Deadline(std::chrono::seconds(10)),
                             Syscalls{});
}

TEST_F(NearestFreePort, PassesOverEveryStateAndBothFamilies) {
    ASSERT_EQ(free_beside(7000, Protocol::tcp), 7001);
    const Fd listening = listener(loopback(7001));
    ASSERT_EQ(free_beside(7000, Protocol::tcp), 6999);
    Fd client = tcp_socket();
    ASSERT_EQ(bind_to(client, loopback(6999)), success);
    const Connection connection = connect_pair(listening, std::move(client));
    ASSERT_EQ(free_beside(7000, Protocol::tcp), 7002);
    const Fd six = listener(loopback(7002, AF_INET6));
    EXPECT_EQ(free_beside(7000, Protocol::tcp), 6998);
    EXPECT_EQ(free_beside(7000, Protocol::udp), 7001) << "TCP ports do not keep UDP off";
}

TEST_F(NearestFreePort, IsNoneWhereTheKernelIsNotAsked) {
    Syscalls forbidden;
    forbidden.socket = [](int, int, int) {
        errno = EAFNOSUPPORT;
        return -1;
    };
    const auto free_beside_7000 = [&forbidden](const Neighbours& known) {
        return nearest_free_port(7000, Protocol::tcp, {}, usual_host(), known,
                                 Deadline(std::chrono::seconds(10)), forbidden);
    };
    EXPECT_EQ(free_beside_7000({}), 0);
    EXPECT_EQ(free_beside_7000({{6999, 7001}, {7001}}), 6999) << "what is known needs no question";
    EXPECT_EQ(free_beside_7000({{6999, 7001}, {6999, 7001}}), 0);
}

} // namespace
} // namespace portguard::test
