// K13, and K5's tag: what sock_diag shows, filters, and does not show.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include "kernel/kernel_fixture.h"
#include "kernel/sock_diag_query.h"
#include "support/sockets.h"

namespace portguard::test {
namespace {

constexpr std::uint16_t asked = 10000;
constexpr std::uint16_t other = 10001;
constexpr std::uint32_t listening = state_bit(TcpState::listen);

std::vector<std::uint16_t> ports_of(const std::vector<DiagSocket>& sockets) {
    std::vector<std::uint16_t> ports;
    ports.reserve(sockets.size());
    std::transform(sockets.begin(), sockets.end(), std::back_inserter(ports),
                   [](const DiagSocket& socket) { return socket.port(); });
    std::sort(ports.begin(), ports.end());
    return ports;
}

using Ports = std::vector<std::uint16_t>;

TEST_F(Kernel, K13_port_field_filters_listening_sockets) {
    for (int family : {AF_INET, AF_INET6}) {
        const Fd first = listener(wildcard(asked, family));
        const Fd second = listener(wildcard(other, family));
        ASSERT_EQ(ports_of(sock_diag({.states = listening, .family = family})), (Ports{asked, other}));
        EXPECT_EQ(ports_of(sock_diag({.states = listening, .port = asked, .family = family})), Ports{asked})
            << "K13: the kernel no longer filters LISTEN by source port";
    }
}

TEST_F(Kernel, K13_port_field_filters_connected_sockets_by_their_own_port) {
    const Fd first = listener(wildcard(asked));
    const Fd second = listener(wildcard(other));
    const Connection wanted = connect_pair(first);
    const Connection unwanted = connect_pair(second);
    const std::uint32_t established = state_bit(TcpState::established);
    ASSERT_EQ(sock_diag({.states = established}).size(), 4U);
    EXPECT_EQ(ports_of(sock_diag({.states = established, .port = asked})), Ports{asked})
        << "K13: the kernel no longer filters connected sockets by source port";
    const std::uint16_t client = local_port(wanted.client);
    EXPECT_EQ(ports_of(sock_diag({.states = established, .port = client})), Ports{client});
}

TEST_F(Kernel, K13_time_wait_shows_its_time_left_and_inode_zero) {
    for (int family : {AF_INET, AF_INET6}) {
        Fd server = listener(loopback(asked, family));
        Connection connection = connect_pair(server);
        server.reset();
        into_time_wait(std::move(connection.server), std::move(connection.client));

        const std::vector<DiagSocket> found = sock_diag({.port = asked, .family = family});
        ASSERT_EQ(found.size(), 1U) << "K13: TIME_WAIT is not shown, or not filtered by port";
        EXPECT_EQ(found[0].state(), TcpState::time_wait);
        EXPECT_EQ(found[0].message.idiag_inode, 0U) << "K13: TIME_WAIT has an inode, so an owner, now";
        EXPECT_EQ(found[0].message.idiag_timer, 3) << "K13: the timer is no longer TIME_WAIT's";
        EXPECT_GT(found[0].message.idiag_expires, 0U) << "K13: no time left is shown";
        EXPECT_LE(found[0].message.idiag_expires, 60'000U) << "K13: TIME_WAIT is longer than 60 s";
    }
}

class KernelBoundOnly : public Kernel {
protected:
    void SetUp() override {
        Kernel::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        const Fd bound = tcp_socket();
        ASSERT_EQ(bind_to(bound, wildcard(other)), success);
        if (sock_diag({}).empty()) {
            PORTGUARD_NOT_THERE_BEFORE(6, 8, "sockets that are only bound are not shown");
        }
    }
};

TEST_F(KernelBoundOnly, K13_bound_sockets_show_under_state_bit_13_as_state_7) {
    for (int family : {AF_INET, AF_INET6}) {
        const Fd bound = tcp_socket(family);
        ASSERT_EQ(bind_to(bound, wildcard(asked, family)), success);
        const std::vector<DiagSocket> found = sock_diag({.states = bound_inactive, .family = family});
        ASSERT_EQ(ports_of(found), Ports{asked}) << "K13: bit 13 shows no bound socket";
        EXPECT_EQ(found[0].state(), TcpState::close) << "K13: reported as another state";
        EXPECT_NE(found[0].message.idiag_inode, 0U) << "K13: its owner cannot be found";
        EXPECT_TRUE(sock_diag({.states = all_states_but_bound, .family = family}).empty())
            << "K13: bound sockets show without bit 13 as well";
    }
}

TEST_F(KernelBoundOnly, K13_bit_13_shows_no_listening_and_no_connected_socket) {
    const Fd server = listener(wildcard(asked));
    const Connection connection = connect_pair(server);
    EXPECT_TRUE(sock_diag({.states = bound_inactive}).empty());
}

TEST_F(KernelBoundOnly, K13_port_field_does_not_filter_bound_sockets) {
    const Fd first = tcp_socket();
    const Fd second = tcp_socket();
    ASSERT_EQ(bind_to(first, wildcard(asked)), success);
    ASSERT_EQ(bind_to(second, wildcard(other)), success);
    EXPECT_EQ(ports_of(sock_diag({.states = bound_inactive, .port = asked})), (Ports{asked, other}))
        << "K13: the port field filters bound sockets now: bytecode is no longer needed";
}

TEST_F(KernelBoundOnly, K13_bytecode_filters_bound_listening_and_connected_sockets) {
    for (int family : {AF_INET, AF_INET6}) {
        const Fd target = listener(loopback(9000, family));
        const Fd bound = flagged(tcp_socket(family));
        const Fd bound_elsewhere = tcp_socket(family);
        ASSERT_EQ(bind_to(bound, wildcard(asked, family)), success);
        ASSERT_EQ(bind_to(bound_elsewhere, wildcard(other, family)), success);
        Fd client = flagged(tcp_socket(family));
        ASSERT_EQ(bind_to(client, loopback(asked, family)), success);
        const Connection connection = connect_pair(target, std::move(client));

        EXPECT_EQ(ports_of(sock_diag({.bytecode_port = asked, .family = family})), (Ports{asked, asked}))
            << "K13: bytecode S_EQ, bound and connected";
        EXPECT_EQ(ports_of(sock_diag({.bytecode_port = 9000, .family = family})), (Ports{9000, 9000}))
            << "K13: bytecode S_EQ, listening and accepted";
    }
}

TEST_F(KernelBoundOnly, K05_the_tos_tag_of_a_held_port_is_shown) {
    constexpr std::uint8_t show_tos = 1U << (INET_DIAG_TOS - 1);
    constexpr std::uint8_t tag = 0x2c;
    for (int family : {AF_INET, AF_INET6}) {
        const Fd hold = flagged(tcp_socket(family));
        ASSERT_EQ(set_option(hold, IPPROTO_IP, IP_TOS, tag), success);
        ASSERT_EQ(bind_to(hold, wildcard(asked, family)), success);
        auto found = sock_diag({.states = bound_inactive, .extensions = show_tos, .family = family});
        ASSERT_EQ(found.size(), 1U);
        EXPECT_EQ(found[0].attributes[INET_DIAG_TOS], std::string(1, static_cast<char>(tag)))
            << "K5: the tag of a hold cannot be read, family " << family;
    }
}

/// All that the kernel shows of the one listener, without what differs between any two sockets.
DiagSocket everything_about(const Fd& server) {
    constexpr std::uint8_t every_extension = 0xFF;
    const std::uint16_t port = local_port(server);
    std::vector<DiagSocket> found =
        sock_diag({.states = listening, .port = port, .extensions = every_extension});
    if (found.size() != 1) {
        throw std::runtime_error("sock_diag does not show the one listener");
    }
    found[0].message.idiag_inode = 0;
    found[0].message.id.idiag_cookie[0] = 0;
    found[0].message.id.idiag_cookie[1] = 0;
    return found[0];
}

TEST_F(Kernel, K13_does_not_show_so_reuseaddr) {
    const Fd server = listener(wildcard(asked));
    const DiagSocket without = everything_about(server);
    ASSERT_EQ(set_reuseaddr(server), success);
    const DiagSocket with = everything_about(server);
    EXPECT_EQ(std::memcmp(&with.message, &without.message, sizeof with.message), 0);
    EXPECT_FALSE(with.attributes.empty());
    EXPECT_EQ(with.attributes, without.attributes)
        << "K13: something that sock_diag shows depends on SO_REUSEADDR: pidfd_getfd is no longer needed";
}

} // namespace
} // namespace portguard::test
