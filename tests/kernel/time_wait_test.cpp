// K14 and K16: two ways around TIME_WAIT, and whom each helps. K21: the lease.
#include <cerrno>
#include <set>
#include <vector>

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/kernel_fixture.h"
#include "kernel/sock_diag_query.h"
#include "support/child.h"
#include "support/skip.h"
#include "support/sockets.h"
#include "support/waiting.h"

namespace portguard::test {
namespace {

constexpr std::uint16_t contested = 10000;
constexpr std::uint16_t elsewhere = 9000;

/// The TIME_WAIT of a plain server that closed first: no flag can bind over it (K3).
DiagSocket plain_time_wait() {
    Fd server = listener(wildcard(contested));
    Connection connection = connect_pair(server);
    server.reset();
    into_time_wait(std::move(connection.server), std::move(connection.client));
    const std::vector<DiagSocket> found =
        sock_diag({.states = 1U << static_cast<unsigned>(TcpState::time_wait), .port = contested});
    if (found.size() != 1) {
        throw std::runtime_error("sock_diag does not show the one TIME_WAIT");
    }
    return found.front();
}

TEST_F(Kernel, K14_sock_destroy_removes_time_wait_and_frees_the_port) {
    const DiagSocket time_wait = plain_time_wait();
    ASSERT_EQ(bind_to(flagged(tcp_socket()), wildcard(contested)), Outcome{EADDRINUSE});
    const Outcome outcome = sock_destroy(time_wait);
    if (outcome == Outcome{EOPNOTSUPP}) {
        PORTGUARD_NOT_THERE_BEFORE(6, 1, "SOCK_DESTROY says EOPNOTSUPP of TIME_WAIT");
    }
    ASSERT_EQ(outcome, success) << "K14: SOCK_DESTROY of a TIME_WAIT socket";
    EXPECT_FALSE(port_is_in_state(contested, TcpState::time_wait)) << "K14: it is still there";
    EXPECT_EQ(bind_to(tcp_socket(), wildcard(contested)), success) << "K14: the port is not free";
}

void drop_net_admin() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2]{};
    if (::syscall(SYS_capget, &header, data) != 0) {
        throw std::runtime_error("capget");
    }
    data[0].effective &= ~(1U << CAP_NET_ADMIN);
    if (::syscall(SYS_capset, &header, data) != 0) {
        throw std::runtime_error("capset");
    }
}

TEST_F(Kernel, K14_sock_destroy_needs_net_admin) {
    const DiagSocket time_wait = plain_time_wait();
    const int error = result_in_child([&time_wait] {
        drop_net_admin();
        return sock_destroy(time_wait).error;
    });
    EXPECT_EQ(Outcome{error}, Outcome{EPERM}) << "K14: SOCK_DESTROY without CAP_NET_ADMIN";
    EXPECT_TRUE(port_is_in_state(contested, TcpState::time_wait));
}

TEST_F(Kernel, K21_a_flagged_time_wait_is_given_to_nobody_but_who_asks_for_it) {
    set_ephemeral_range(20000, 20003);
    const Fd target = listener(loopback(elsewhere));
    Fd lease = listener(flagged(tcp_socket()), loopback(20001));
    Fd client = tcp_socket();
    ASSERT_EQ(bind_to(client, loopback(11000)), success);
    Connection connection = connect_pair(lease, std::move(client));
    lease.reset();
    ASSERT_EQ(into_time_wait(std::move(connection.server), std::move(connection.client)), 20001);

    std::multiset<std::uint16_t> ports;
    std::vector<Fd> kept;
    for (int attempt = 0; attempt < 8; ++attempt) {
        Fd socket = tcp_socket();
        const Outcome outcome =
            attempt % 2 == 0 ? connect_to(socket, loopback(elsewhere)) : bind_to(socket, loopback(0));
        if (outcome == success) {
            ports.insert(local_port(socket));
            reset_on_close(socket);
            kept.push_back(std::move(socket));
        }
    }
    EXPECT_EQ(ports.count(20001), 0U)
        << "K21: connect() or bind(0) was given the port of a flagged TIME_WAIT";
    EXPECT_GE(ports.size(), 3U);
    EXPECT_EQ(bind_to(flagged(tcp_socket()), loopback(20001)), success) << "K21: a flagged binder is refused";
}

/// A TIME_WAIT on the client's side: `client_port` to `target`, which goes on listening.
void client_time_wait(const Fd& target, std::uint16_t client_port) {
    set_ephemeral_range(client_port, client_port);
    Connection connection = connect_pair(target);
    ASSERT_EQ(into_time_wait(std::move(connection.client), std::move(connection.server)), client_port);
}

bool connects_from(std::uint16_t port, const Address& target) {
    set_ephemeral_range(port, port);
    const Fd client = tcp_socket();
    if (connect_to(client, target) != success) {
        return false;
    }
    EXPECT_EQ(local_port(client), port);
    return true;
}

TEST_F(Kernel, K16_tw_reuse_lets_an_outgoing_connection_in_and_never_a_listener) {
    const Fd target = listener(loopback(elsewhere));
    client_time_wait(target, 20000);
    client_time_wait(target, 20001);
    set_sysctl("ipv4/tcp_tw_reuse", "1");
    // Only a TIME_WAIT older than a second (tcp_tw_reuse_delay) is taken; when the younger one has been, the
    // elder is old enough too.
    ASSERT_TRUE(eventually([&] { return connects_from(20001, loopback(elsewhere)); }))
        << "K16: no outgoing connection takes a TIME_WAIT port under tcp_tw_reuse=1";
    EXPECT_EQ(bind_to(tcp_socket(), wildcard(20000)), Outcome{EADDRINUSE})
        << "K16: tcp_tw_reuse=1 lets a plain listener in";
    EXPECT_EQ(bind_to(flagged(tcp_socket()), wildcard(20000)), Outcome{EADDRINUSE})
        << "K16: tcp_tw_reuse=1 lets a flagged listener in";
    set_sysctl("ipv4/tcp_tw_reuse", "0");
    EXPECT_FALSE(connects_from(20000, loopback(elsewhere))) << "K16: tcp_tw_reuse=0 does not forbid it";
    set_sysctl("ipv4/tcp_tw_reuse", "1");
    EXPECT_TRUE(connects_from(20000, loopback(elsewhere))) << "K16: the elder TIME_WAIT was not old enough";
}

TEST_F(Kernel, K16_by_default_tw_reuse_is_for_loopback_alone) {
    ASSERT_EQ(get_sysctl("ipv4/tcp_tw_reuse"), "2") << "K16: the default has changed";
    add_address_to_lo("10.1.2.3");
    const Fd outside = listener(address("10.1.2.3", elsewhere));
    const Fd inside = listener(loopback(elsewhere));
    client_time_wait(outside, 20000);
    client_time_wait(inside, 20001);
    ASSERT_TRUE(eventually([&] { return connects_from(20001, loopback(elsewhere)); }))
        << "K16: under the default not even loopback takes a TIME_WAIT port";
    EXPECT_FALSE(connects_from(20000, address("10.1.2.3", elsewhere)))
        << "K16: the default now reaches beyond loopback";
    set_sysctl("ipv4/tcp_tw_reuse", "1");
    EXPECT_TRUE(connects_from(20000, address("10.1.2.3", elsewhere)))
        << "K16: tcp_tw_reuse=1 does not reach beyond loopback";
}

} // namespace
} // namespace portguard::test
