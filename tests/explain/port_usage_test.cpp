// What fills a range, counted from sockets that are values.
#include "explain/port_usage.h"

#include <gtest/gtest.h>

namespace portguard::test {
namespace {

Endpoint to(std::uint8_t last_byte, std::uint16_t port) {
    return {Family::ipv4, false, port, {10, 0, 0, last_byte}};
}

DiagSocket socket_on(std::uint16_t port, SocketState state, Endpoint remote = {}) {
    DiagSocket socket;
    socket.protocol = Protocol::tcp;
    socket.state = state;
    socket.local.port = port;
    socket.remote = remote;
    return socket;
}

PortSet ports(std::initializer_list<PortRange> ranges) {
    PortSet set;
    for (const PortRange range : ranges) {
        set.insert(range);
    }
    return set;
}

TEST(SummarizePorts, CountsAPortOnceAndItsSocketsEach) {
    const std::vector<DiagSocket> sockets{
        socket_on(100, SocketState::established, to(1, 80)),
        socket_on(100, SocketState::established, to(2, 80)),
        socket_on(101, SocketState::time_wait, to(1, 80)),
        socket_on(103, SocketState::listen),
    };
    const PortUsage usage = summarize_ports(ports({{100, 103}}), sockets);
    EXPECT_EQ(usage.ports, "100-103");
    EXPECT_EQ(usage.total, 4U);
    EXPECT_EQ(usage.in_use, 3U);
    ASSERT_EQ(usage.states.size(), 3U);
    EXPECT_EQ(usage.states[0].state, SocketState::established);
    EXPECT_EQ(usage.states[0].sockets, 2U);
    EXPECT_EQ(usage.count(SocketState::time_wait), 1U);
    EXPECT_EQ(usage.count(SocketState::syn_sent), 0U);
}

TEST(SummarizePorts, LeavesOutPortsThatCouldNotHaveBeenGiven) {
    const std::vector<DiagSocket> sockets{socket_on(99, SocketState::established, to(1, 80)),
                                          socket_on(102, SocketState::established, to(1, 80)),
                                          socket_on(104, SocketState::established, to(1, 80))};
    const PortUsage usage = summarize_ports(ports({{100, 101}, {103, 103}}), sockets);
    EXPECT_EQ(usage.ports, "100-101,103");
    EXPECT_EQ(usage.total, 3U);
    EXPECT_EQ(usage.in_use, 0U);
    EXPECT_TRUE(usage.states.empty());
    EXPECT_TRUE(usage.destinations.empty());
}

TEST(SummarizePorts, NamesTheFiveDestinationsWithMostSockets) {
    std::vector<DiagSocket> sockets;
    for (std::uint8_t destination = 1; destination <= 7; ++destination) {
        for (std::uint8_t count = 0; count < destination; ++count) {
            sockets.push_back(socket_on(static_cast<std::uint16_t>(100 + count), SocketState::established,
                                        to(destination, 443)));
        }
    }
    sockets.push_back(socket_on(100, SocketState::established, to(7, 80)));
    const PortUsage usage = summarize_ports(ports({{100, 200}}), sockets);
    ASSERT_EQ(usage.destinations.size(), 5U);
    for (std::size_t rank = 0; rank < 5; ++rank) {
        EXPECT_EQ(usage.destinations[rank].sockets, 7U - rank);
        EXPECT_EQ(usage.destinations[rank].endpoint.address[3], 7U - rank);
        EXPECT_EQ(usage.destinations[rank].endpoint.port, 443U);
    }
}

} // namespace
} // namespace portguard::test
