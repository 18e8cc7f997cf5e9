// K5: a bound socket that never listens, as a reservation. K9, on which it stands, is in
// port_choice_test.cpp.
#include <cerrno>
#include <set>

#include <gtest/gtest.h>

#include "kernel/kernel_fixture.h"
#include "support/sockets.h"

namespace portguard::test {
namespace {

constexpr std::uint16_t elsewhere = 9000;
constexpr std::uint16_t low = 20000;
constexpr std::uint16_t held = 20001;
constexpr std::uint16_t high = 20003;

class KernelHold : public Kernel {
protected:
    void SetUp() override {
        Kernel::SetUp();
        if (!IsSkipped() && !HasFatalFailure()) {
            set_ephemeral_range(low, high);
        }
    }
};

Fd hold(int family) {
    Fd socket = flagged(tcp_socket(family));
    EXPECT_EQ(bind_to(socket, wildcard(held, family)), success);
    return socket;
}

/// Connects until the range is exhausted; the ports it was given.
std::multiset<std::uint16_t> connect_until_exhausted(const Fd& target, std::vector<Fd>& kept) {
    std::multiset<std::uint16_t> ports;
    for (int attempt = 0; attempt < 8; ++attempt) {
        Fd client = tcp_socket();
        const Outcome outcome = connect_to(client, local_address(target));
        if (outcome != success) {
            EXPECT_EQ(outcome, Outcome{EADDRNOTAVAIL});
            break;
        }
        ports.insert(local_port(client));
        reset_on_close(client);
        kept.push_back(std::move(client));
    }
    return ports;
}

const std::multiset<std::uint16_t> all_but_held{20000, 20002, 20003};

TEST_F(KernelHold, K05_a_held_port_keeps_connect_off) {
    const Fd target = listener(loopback(elsewhere));
    for (int family : {AF_INET, AF_INET6}) {
        const Fd reservation = hold(family);
        std::vector<Fd> kept;
        EXPECT_EQ(connect_until_exhausted(target, kept), all_but_held)
            << "K5: connect() with a hold on " << local_address(reservation);
    }
}

TEST_F(KernelHold, K05_a_held_port_keeps_bind_zero_off_with_the_flag_and_without) {
    for (int family : {AF_INET, AF_INET6}) {
        for (bool flag : {false, true}) {
            const Fd reservation = hold(family);
            std::multiset<std::uint16_t> ports;
            std::vector<Fd> kept;
            for (int attempt = 0; attempt < 8; ++attempt) {
                Fd socket = tcp_socket();
                set_reuseaddr(socket, flag);
                if (bind_to(socket, wildcard(0)) == success) {
                    ports.insert(local_port(socket));
                    kept.push_back(std::move(socket));
                }
            }
            EXPECT_EQ(ports, all_but_held)
                << "K5: bind(0), SO_REUSEADDR=" << flag << ", hold on " << local_address(reservation);
        }
    }
}

TEST_F(KernelHold, K05_a_flagged_listener_binds_and_serves_a_held_port) {
    for (int family : {AF_INET, AF_INET6}) {
        const Fd reservation = hold(family);
        const Fd server = flagged(tcp_socket());
        ASSERT_EQ(bind_to(server, wildcard(held)), success)
            << "K5: the hold on " << local_address(reservation) << " keeps its own server out";
        ASSERT_EQ(listen_on(server), success);
        const Connection connection = connect_pair(server);
        EXPECT_TRUE(carries_data(connection));
    }
}

TEST_F(KernelHold, K05_a_hold_is_not_exclusive_and_a_plain_binder_is_refused) {
    for (int family : {AF_INET, AF_INET6}) {
        const Fd reservation = hold(family);
        const Fd stranger = flagged(tcp_socket());
        EXPECT_EQ(bind_to(stranger, wildcard(held)), success) << "K5: a hold now keeps other holders out";
        const Fd plain = tcp_socket();
        EXPECT_EQ(bind_to(plain, wildcard(held)), Outcome{EADDRINUSE})
            << "K5: a binder without the flag, hold on " << local_address(reservation);
    }
}

TEST_F(KernelHold, K05_a_v6only_hold_does_not_cover_ipv4) {
    const Fd reservation = flagged(tcp_socket(AF_INET6));
    ASSERT_EQ(set_option(reservation, IPPROTO_IPV6, IPV6_V6ONLY, 1), success);
    ASSERT_EQ(bind_to(reservation, wildcard(held, AF_INET6)), success);
    const Fd plain = tcp_socket();
    EXPECT_EQ(bind_to(plain, wildcard(held)), success)
        << "K5: IPV6_V6ONLY=1 (the host's default may be 1: ipv6/bindv6only) now covers IPv4";
}

TEST_F(KernelHold, K05_a_listening_port_cannot_be_held) {
    const Fd server = listener(flagged(tcp_socket()), wildcard(held));
    const Fd reservation = flagged(tcp_socket(AF_INET6));
    EXPECT_EQ(bind_to(reservation, wildcard(held, AF_INET6)), Outcome{EADDRINUSE})
        << "K5: a hold binds beside " << local_address(server) << " in LISTEN: no retry is needed";
}

TEST_F(KernelHold, K05_a_udp_hold_takes_datagrams) {
    const Fd reservation = flagged(udp_socket());
    ASSERT_EQ(bind_to(reservation, wildcard(held)), success);
    const Fd client = udp_socket();
    ASSERT_EQ(connect_to(client, loopback(held)), success);
    ASSERT_EQ(::send(client.get(), "x", 1, 0), 1);
    char byte = 0;
    EXPECT_EQ(::recv(reservation.get(), &byte, 1, MSG_DONTWAIT), 1)
        << "K5: a UDP hold takes no datagrams: UDP ports could be held too";
}

} // namespace
} // namespace portguard::test
