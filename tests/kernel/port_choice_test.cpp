// K9, K12 and K15: what the kernel's own choice of a port avoids, and what it does not.
#include <cerrno>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "kernel/kernel_fixture.h"
#include "support/sockets.h"

namespace portguard::test {
namespace {

constexpr std::uint16_t elsewhere = 9000;

enum class Hold { plain, reuseaddr, reuseport, listening };

Fd bound_explicitly(Hold kind, std::uint16_t port) {
    Fd socket = tcp_socket();
    if (kind == Hold::reuseaddr) {
        set_reuseaddr(socket);
    } else if (kind == Hold::reuseport) {
        set_option(socket, SOL_SOCKET, SO_REUSEPORT, 1);
    }
    EXPECT_EQ(bind_to(socket, loopback(port)), success);
    if (kind == Hold::listening) {
        EXPECT_EQ(listen_on(socket), success);
    }
    return socket;
}

Fd client_like(Hold kind) {
    Fd socket = tcp_socket();
    set_reuseaddr(socket, kind == Hold::reuseaddr);
    set_option(socket, SOL_SOCKET, SO_REUSEPORT, kind == Hold::reuseport ? 1 : 0);
    return socket;
}

TEST_F(Kernel, K09_connect_skips_explicitly_bound_ports_whatever_the_flags) {
    set_ephemeral_range(20000, 20000);
    const Fd target = listener(loopback(elsewhere));
    for (Hold holder : {Hold::plain, Hold::reuseaddr, Hold::reuseport, Hold::listening}) {
        for (Hold client : {Hold::plain, Hold::reuseaddr, Hold::reuseport}) {
            const Fd bound = bound_explicitly(holder, 20000);
            EXPECT_EQ(connect_to(client_like(client), loopback(elsewhere)), Outcome{EADDRNOTAVAIL})
                << "K9: holder kind " << static_cast<int>(holder) << ", client kind "
                << static_cast<int>(client) << ": connect() took the only port, which was bound";
        }
    }
    EXPECT_EQ(connect_to(tcp_socket(), loopback(elsewhere)), success) << "the port was not to be had at all";
}

TEST_F(Kernel, K09_connect_shares_a_port_that_another_connect_chose) {
    set_ephemeral_range(20000, 20000);
    const Fd target = listener(loopback(elsewhere));
    const Fd second_target = listener(loopback(elsewhere + 1));
    const Connection first = connect_pair(target);
    const Connection second = connect_pair(second_target);
    EXPECT_EQ(local_port(first.client), local_port(second.client));
    EXPECT_EQ(connect_to(tcp_socket(), loopback(elsewhere)), Outcome{EADDRNOTAVAIL})
        << "K9: the same four numbers were given out twice";
}

class KernelReserved : public Kernel {
protected:
    void SetUp() override {
        Kernel::SetUp();
        if (!IsSkipped() && !HasFatalFailure()) {
            set_ephemeral_range(20000, 20003);
            set_sysctl("ipv4/ip_local_reserved_ports", "20000,20002-20003");
        }
    }
};

TEST_F(KernelReserved, K12_reserved_ports_are_never_chosen_by_connect_or_bind_zero) {
    for (int family : {AF_INET, AF_INET6}) {
        const Fd target = listener(loopback(elsewhere, family));
        for (int round = 0; round < 16; ++round) {
            const Fd client = tcp_socket(family);
            ASSERT_EQ(connect_to(client, loopback(elsewhere, family)), success);
            ASSERT_EQ(local_port(client), 20001) << "K12: connect() chose a reserved port";
            reset_on_close(client);
        }
        for (int round = 0; round < 16; ++round) {
            const Fd socket = tcp_socket(family);
            ASSERT_EQ(bind_to(socket, wildcard(0, family)), success);
            ASSERT_EQ(local_port(socket), 20001) << "K12: bind(0) chose a reserved port";
        }
    }
}

TEST_F(KernelReserved, K12_reserved_ports_are_never_chosen_for_udp) {
    for (int family : {AF_INET, AF_INET6}) {
        for (int round = 0; round < 16; ++round) {
            const Fd bound = udp_socket(family);
            ASSERT_EQ(bind_to(bound, wildcard(0, family)), success);
            ASSERT_EQ(local_port(bound), 20001) << "K12: bind(0) on UDP chose a reserved port";
        }
        for (int round = 0; round < 16; ++round) {
            const Fd connected = udp_socket(family);
            ASSERT_EQ(connect_to(connected, loopback(elsewhere, family)), success);
            ASSERT_EQ(local_port(connected), 20001) << "K12: UDP connect() chose a reserved port";
        }
    }
}

TEST_F(KernelReserved, K12_an_explicit_bind_to_a_reserved_port_is_allowed) {
    for (std::uint16_t port : {std::uint16_t{20000}, std::uint16_t{20002}, std::uint16_t{20003}}) {
        EXPECT_EQ(bind_to(tcp_socket(), wildcard(port)), success) << "K12: TCP port " << port;
        EXPECT_EQ(bind_to(udp_socket(), wildcard(port)), success) << "K12: UDP port " << port;
    }
}

TEST_F(Kernel, K15_connect_to_a_port_of_the_range_where_nobody_listens_can_meet_itself) {
    for (int family : {AF_INET, AF_INET6}) {
        set_ephemeral_range(20000, 20000);
        Fd lonely = tcp_socket(family);
        ASSERT_EQ(connect_to(lonely, loopback(20000, family)), success)
            << "K15: a socket no longer connects to itself";
        EXPECT_EQ(local_address(lonely), peer_address(lonely));
        ASSERT_EQ(::send(lonely.get(), "x", 1, 0), 1);
        char byte = 0;
        EXPECT_EQ(::recv(lonely.get(), &byte, 1, MSG_DONTWAIT), 1) << "K15: it does not hear itself";

        lonely.reset();
        set_ephemeral_range(20001, 20001);
        EXPECT_EQ(connect_to(tcp_socket(family), loopback(20000, family)), Outcome{ECONNREFUSED})
            << "K15: from another port";
    }
}

} // namespace
} // namespace portguard::test
