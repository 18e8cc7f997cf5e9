// K2: SO_REUSEADDR on the socket that connects, after its port is chosen and before.
#include <algorithm>
#include <cerrno>
#include <vector>

#include <gtest/gtest.h>
#include <sys/ioctl.h>

#include "kernel/kernel_fixture.h"
#include "support/sockets.h"

namespace portguard::test {
namespace {

constexpr std::uint16_t contested = 10000;
constexpr std::uint16_t elsewhere = 9000;

class KernelCourtesy : public Kernel {};

/// The flagged listener of the A/B/C story binds, listens and serves on `contested`.
void expect_flagged_listener_serves(const char* when) {
    const Fd server = flagged(tcp_socket());
    ASSERT_EQ(bind_to(server, wildcard(contested)), success) << "K2: " << when;
    ASSERT_EQ(listen_on(server), success) << "K2: " << when;
    const Fd client = tcp_socket();
    // A port outside the range of one, so that the newcomer does not compete for `contested`.
    ASSERT_EQ(bind_to(client, loopback(11000)), success);
    ASSERT_EQ(connect_to(client, loopback(contested)), success) << "K2: " << when;
    const Fd accepted(::accept(server.get(), nullptr, nullptr));
    EXPECT_TRUE(accepted.valid()) << "K2: the listener binds but serves nobody, " << when;
}

TEST_F(KernelCourtesy, K02_flag_after_connect_opens_the_port_at_once_and_the_connection_lives) {
    set_ephemeral_range(contested, contested);
    const Fd target = listener(loopback(elsewhere));
    const Connection connection = connect_pair(target);
    ASSERT_EQ(local_port(connection.client), contested);
    ASSERT_EQ(bind_to(flagged(tcp_socket()), wildcard(contested)), Outcome{EADDRINUSE});

    ASSERT_EQ(set_reuseaddr(connection.client), success);
    EXPECT_EQ(bind_to(tcp_socket(), wildcard(contested)), Outcome{EADDRINUSE})
        << "K2: the flag on the connection alone now opens its port to a plain binder";
    expect_flagged_listener_serves("after the flag was set on the live connection");
    EXPECT_TRUE(carries_data(connection)) << "K2: the connection died of a listener on its port";
}

TEST_F(KernelCourtesy, K02_flag_after_connect_lasts_through_time_wait) {
    set_ephemeral_range(contested, contested);
    const Fd target = listener(loopback(elsewhere));
    Connection connection = connect_pair(target);
    ASSERT_EQ(set_reuseaddr(connection.client), success);
    ASSERT_EQ(into_time_wait(std::move(connection.client), std::move(connection.server)), contested);
    expect_flagged_listener_serves("in the TIME_WAIT of a connection that was given the flag");
}

TEST_F(KernelCourtesy, K02_taking_the_flag_back_closes_the_port_again) {
    set_ephemeral_range(contested, contested);
    const Fd target = listener(loopback(elsewhere));
    const Connection connection = connect_pair(target);
    ASSERT_EQ(set_reuseaddr(connection.client), success);
    ASSERT_EQ(bind_to(flagged(tcp_socket()), wildcard(contested)), success);
    ASSERT_EQ(set_reuseaddr(connection.client, false), success);
    EXPECT_EQ(bind_to(flagged(tcp_socket()), wildcard(contested)), Outcome{EADDRINUSE})
        << "K2: SO_REUSEADDR taken back from a connection has no effect any more";
}

TEST_F(KernelCourtesy, K02_flag_works_while_the_connect_is_in_progress) {
    set_ephemeral_range(contested, contested);
    const Fd target = tcp_socket();
    ASSERT_EQ(bind_to(target, loopback(elsewhere)), success);
    ASSERT_EQ(listen_on(target, 0), success);
    // A backlog of 0 holds one connection; the SYN of the next is dropped, so its connect stays in progress.
    const Fd filler = tcp_socket();
    ASSERT_EQ(bind_to(filler, loopback(11001)), success);
    ASSERT_EQ(connect_to(filler, loopback(elsewhere)), success);

    const Fd client = tcp_socket();
    int on = 1;
    ASSERT_EQ(::ioctl(client.get(), FIONBIO, &on), 0);
    ASSERT_EQ(connect_to(client, loopback(elsewhere)), Outcome{EINPROGRESS});
    ASSERT_EQ(local_port(client), contested);
    ASSERT_TRUE(port_is_in_state(contested, TcpState::syn_sent));
    ASSERT_EQ(bind_to(flagged(tcp_socket()), wildcard(contested)), Outcome{EADDRINUSE});
    ASSERT_EQ(set_reuseaddr(client), success);
    EXPECT_EQ(bind_to(flagged(tcp_socket()), wildcard(contested)), success)
        << "K2: the flag on a socket in SYN_SENT no longer opens its port";
}

/// Ports that bind(0) hands to `count` sockets that stay open in `kept`.
std::vector<std::uint16_t> bind_zero(std::size_t count, bool flag, std::vector<Fd>& kept) {
    std::vector<std::uint16_t> ports;
    for (std::size_t made = 0; made < count; ++made) {
        Fd socket = tcp_socket();
        set_reuseaddr(socket, flag);
        if (bind_to(socket, wildcard(0)) != success) {
            break;
        }
        ports.push_back(local_port(socket));
        kept.push_back(std::move(socket));
    }
    return ports;
}

bool has_twins(std::vector<std::uint16_t> ports) {
    std::sort(ports.begin(), ports.end());
    return std::adjacent_find(ports.begin(), ports.end()) != ports.end();
}

TEST_F(Kernel, K02_flag_before_bind_zero_confines_the_choice_to_the_lower_half) {
    set_ephemeral_range(20000, 20999);
    std::vector<Fd> kept;
    for (std::uint16_t port : bind_zero(100, true, kept)) {
        ASSERT_LT(port, 20500) << "K2: bind(0) with the flag now chooses from the upper half as well";
    }
    ASSERT_EQ(kept.size(), 100U);
    const std::vector<std::uint16_t> plain = bind_zero(100, false, kept);
    EXPECT_GE(*std::max_element(plain.begin(), plain.end()), 20500)
        << "K2: bind(0) without the flag is confined to the lower half as well";
}

TEST_F(Kernel, K02_flagged_bind_zero_takes_the_upper_half_once_the_lower_is_full) {
    set_ephemeral_range(20000, 20019);
    std::vector<Fd> kept;
    const std::vector<std::uint16_t> ports = bind_zero(20, true, kept);
    ASSERT_EQ(ports.size(), 20U) << "K2: the flag now halves the range for good";
    EXPECT_LT(*std::max_element(ports.begin(), ports.begin() + 10), 20010);
    EXPECT_GE(*std::min_element(ports.begin() + 10, ports.end()), 20010);
    EXPECT_FALSE(has_twins(ports)) << "K2: a port was shared though others were free";
}

TEST_F(Kernel, K02_autobind_reuse_makes_flagged_bind_zero_share_ports_once_all_are_taken) {
    set_ephemeral_range(20000, 20019);
    std::vector<Fd> kept;
    ASSERT_EQ(get_sysctl("ipv4/ip_autobind_reuse"), "0");
    ASSERT_EQ(bind_zero(21, true, kept).size(), 20U) << "K2: ports are shared though ip_autobind_reuse=0";
    kept.clear();

    set_sysctl("ipv4/ip_autobind_reuse", "1");
    const std::vector<std::uint16_t> ports = bind_zero(21, true, kept);
    ASSERT_EQ(ports.size(), 21U) << "K2: ip_autobind_reuse=1 no longer hands out shared ports";
    EXPECT_FALSE(has_twins({ports.begin(), ports.begin() + 20}))
        << "K2: ip_autobind_reuse=1 shares ports while others are still free";
    EXPECT_EQ(bind_zero(1, false, kept).size(), 0U)
        << "K2: ip_autobind_reuse=1 hands shared ports to a socket without the flag";
}

} // namespace
} // namespace portguard::test
