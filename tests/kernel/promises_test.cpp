// Measured statements of the design's section 3, on which what portguard promises rests.
#include <cerrno>

#include <gtest/gtest.h>

#include "kernel/kernel_fixture.h"
#include "kernel/port_ways.h"
#include "support/sockets.h"

namespace portguard::test {
namespace {

constexpr std::uint16_t contested = 10000;
constexpr std::uint16_t elsewhere = 9000;

Outcome disconnect(const Fd& socket) {
    sockaddr nothing{};
    nothing.sa_family = AF_UNSPEC;
    return outcome_of(::connect(socket.get(), &nothing, sizeof nothing));
}

TEST_F(Kernel, S32_bind_takes_af_unspec_with_inaddr_any_as_ipv4) {
    Address unspecified = wildcard(contested);
    unspecified.storage.ss_family = AF_UNSPEC;
    const Fd socket = tcp_socket();
    ASSERT_EQ(bind_to(socket, unspecified), success) << "3.2: AF_UNSPEC is refused";
    EXPECT_EQ(local_address(socket), wildcard(contested));

    Address specific = loopback(contested + 1);
    specific.storage.ss_family = AF_UNSPEC;
    EXPECT_EQ(bind_to(tcp_socket(), specific), Outcome{EAFNOSUPPORT})
        << "3.2: AF_UNSPEC with an address other than INADDR_ANY";
}

TEST_F(Kernel, S32_a_listener_paused_with_shutdown_no_longer_excludes_a_flagged_binder) {
    const Fd server = listener(flagged(tcp_socket()), wildcard(contested));
    ASSERT_EQ(bind_to(flagged(tcp_socket()), wildcard(contested)), Outcome{EADDRINUSE});
    ASSERT_EQ(::shutdown(server.get(), SHUT_RD), 0);
    EXPECT_EQ(bind_to(flagged(tcp_socket()), wildcard(contested)), success);
    EXPECT_EQ(bind_to(tcp_socket(), wildcard(contested)), Outcome{EADDRINUSE});
}

TEST_F(Kernel, S32_a_client_over_a_live_flagged_connection_fails_in_connect_not_in_bind) {
    const Fd target = listener(loopback(elsewhere));
    Fd first = flagged(tcp_socket());
    ASSERT_EQ(bind_to(first, loopback(contested)), success);
    const Connection connection = connect_pair(target, std::move(first));
    const Fd second = flagged(tcp_socket());
    ASSERT_EQ(bind_to(second, loopback(contested)), success);
    EXPECT_EQ(connect_to(second, loopback(elsewhere)), Outcome{EADDRNOTAVAIL});
}

TEST_F(Kernel, S34_a_failed_connect_leaves_a_stale_port_in_getsockname) {
    set_ephemeral_range(20000, 20000);
    const Fd client = tcp_socket();
    ASSERT_EQ(connect_to(client, loopback(elsewhere)), Outcome{ECONNREFUSED});
    EXPECT_EQ(local_port(client), 20000) << "3.4: getsockname tells the truth after a failed connect";
    EXPECT_EQ(bind_to(tcp_socket(), loopback(20000)), success) << "3.4: the failed connect keeps its port";
    // Asked again, the kernel chooses anew.
    set_ephemeral_range(20001, 20001);
    const Fd target = listener(loopback(elsewhere));
    ASSERT_EQ(connect_to(client, loopback(elsewhere)), success);
    EXPECT_EQ(local_port(client), 20001);
}

TEST_F(Kernel, S34_disconnect_gives_a_chosen_port_back_and_keeps_the_flag) {
    set_ephemeral_range(20000, 20000);
    const Fd target = listener(loopback(elsewhere));
    const Connection connection = connect_pair(target);
    ASSERT_EQ(set_reuseaddr(connection.client), success);
    ASSERT_EQ(disconnect(connection.client), success);
    EXPECT_TRUE(has_reuseaddr(connection.client)) << "3.4: nothing is left to take back";
    EXPECT_EQ(bind_to(tcp_socket(), loopback(20000)), success) << "3.4: the port is kept";
}

TEST_F(Kernel, S34_a_narrow_range_makes_flagged_udp_sockets_share_a_port) {
    PORTGUARD_NEEDS_PORT_RANGE();
    for (const PortWay& way : port_ways) {
        if (way.type != SOCK_DGRAM) {
            continue;
        }
        const Fd first = flagged(udp_socket());
        const Fd second = flagged(udp_socket());
        ASSERT_EQ(set_port_range(first, 40000, 40000), success);
        ASSERT_EQ(set_port_range(second, 40000, 40000), success);
        ASSERT_EQ(way.choose(first, AF_INET), success) << way.name;
        EXPECT_EQ(way.choose(second, AF_INET), success) << "3.4: " << way.name << " no longer shares";
        EXPECT_EQ(local_port(second), local_port(first)) << "3.4: " << way.name;
    }
}

} // namespace
} // namespace portguard::test
