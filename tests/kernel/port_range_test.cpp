// K8: what IP_LOCAL_PORT_RANGE governs. Where it ends: port_range_limits_test.cpp.
#include <cerrno>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "kernel/kernel_fixture.h"
#include "kernel/port_ways.h"

namespace portguard::test {
namespace {

class KernelRange : public Kernel {
protected:
    void SetUp() override {
        Kernel::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        PORTGUARD_NEEDS_PORT_RANGE();
        set_ephemeral_range(20000, 29999);
        target_ = listener(wildcard(way_target, AF_INET6));
    }

private:
    Fd target_;
};

std::string label(const PortWay& way, int family) {
    return std::string(way.name) + (family == AF_INET ? ", IPv4" : ", IPv6");
}

TEST_F(KernelRange, K08_governs_every_way_to_get_a_port) {
    for (const PortWay& way : port_ways) {
        for (int family : {AF_INET, AF_INET6}) {
            for (int round = 0; round < 8; ++round) {
                const Fd socket = socket_for(way, family);
                ASSERT_EQ(set_port_range(socket, 25000, 25009), success) << label(way, family);
                ASSERT_EQ(way.choose(socket, family), success) << label(way, family);
                reset_on_close(socket);
                ASSERT_GE(local_port(socket), 25000) << "K8: " << label(way, family);
                ASSERT_LE(local_port(socket), 25009) << "K8: " << label(way, family);
            }
        }
    }
}

TEST_F(KernelRange, K08_governs_a_dual_stack_socket_that_connects_to_ipv4) {
    const Fd socket = tcp_socket(AF_INET6);
    ASSERT_EQ(set_port_range(socket, 25000, 25000), success);
    ASSERT_EQ(connect_to(socket, address("::ffff:127.0.0.1", way_target)), success);
    EXPECT_EQ(local_port(socket), 25000) << "K8: a v4-mapped destination escapes the range";
}

TEST_F(KernelRange, K08_low_port_in_the_low_half_and_both_ends_included) {
    const Fd socket = tcp_socket();
    ASSERT_EQ(set_option(socket, IPPROTO_IP, ip_local_port_range, 25000 | 25001 << 16), success);
    EXPECT_EQ(get_option(socket, IPPROTO_IP, ip_local_port_range), 25000 | 25001 << 16);
    EXPECT_EQ(set_option(socket, IPPROTO_IP, ip_local_port_range, 25001 | 25000 << 16), Outcome{EINVAL})
        << "K8: a range upside down is taken";

    std::set<std::uint16_t> ports;
    std::vector<Fd> kept;
    for (int attempt = 0; attempt < 2; ++attempt) {
        Fd client = tcp_socket();
        ASSERT_EQ(set_port_range(client, 25000, 25001), success);
        ASSERT_EQ(connect_to(client, loopback(way_target)), success);
        ports.insert(local_port(client));
        kept.push_back(std::move(client));
    }
    EXPECT_EQ(ports, (std::set<std::uint16_t>{25000, 25001})) << "K8: an end of the range is left out";
    const Fd third = tcp_socket();
    ASSERT_EQ(set_port_range(third, 25000, 25001), success);
    EXPECT_EQ(connect_to(third, loopback(way_target)), Outcome{EADDRNOTAVAIL})
        << "K8: connect left the exhausted range and took " << local_port(third);
}

TEST_F(KernelRange, K08_an_explicit_bind_is_not_governed) {
    const Fd socket = tcp_socket();
    ASSERT_EQ(set_port_range(socket, 25000, 25009), success);
    EXPECT_EQ(bind_to(socket, wildcard(10000)), success);
}

/// How many of `rounds` connects, all alive at once, get a port of the other parity than `low`.
int odd_ones_out(std::uint16_t low, bool clamped, std::size_t rounds) {
    std::vector<Fd> kept;
    int found = 0;
    while (kept.size() < rounds) {
        Fd client = tcp_socket();
        if (clamped) {
            EXPECT_EQ(set_port_range(client, low, static_cast<std::uint16_t>(low + 499)), success);
        }
        EXPECT_EQ(connect_to(client, loopback(way_target)), success);
        found += (local_port(client) - low) % 2 != 0 ? 1 : 0;
        reset_on_close(client);
        kept.push_back(std::move(client));
    }
    return found;
}

TEST_F(KernelRange, K08_connect_prefers_ports_of_the_low_ends_parity_unless_clamped) {
    int clamped = 0;
    for (std::uint16_t low : {std::uint16_t{21000}, std::uint16_t{23001}}) {
        set_ephemeral_range(low, static_cast<std::uint16_t>(low + 499));
        EXPECT_EQ(odd_ones_out(low, false, 64), 0)
            << "K8: connect has no preference any more, low end " << low;
        clamped += odd_ones_out(low, true, 64);
    }
    if (clamped == 0) {
        PORTGUARD_OTHERWISE_BEFORE(6, 8, "connect() prefers the low end's parity when clamped as well");
    }
}

TEST_F(KernelRange, K08_leaving_out_the_destination_port_prevents_the_self_connect) {
    set_ephemeral_range(20000, 20001);
    const Fd socket = tcp_socket();
    ASSERT_EQ(set_port_range(socket, 20001, 20001), success);
    EXPECT_EQ(connect_to(socket, loopback(20000)), Outcome{ECONNREFUSED})
        << "K15: the clamped socket met itself on " << local_port(socket);
}

} // namespace
} // namespace portguard::test
