// K21: what the lease stands on.
#include <cerrno>
#include <set>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "kernel/kernel_fixture.h"
#include "support/sockets.h"
#include "support/waiting.h"

namespace portguard::test {
namespace {

constexpr std::uint16_t low = 20000;
constexpr std::uint16_t leased = 20001;
constexpr std::uint16_t elsewhere = 9000;

class KernelLease : public Kernel {
protected:
    void SetUp() override {
        Kernel::SetUp();
        if (!IsSkipped() && !HasFatalFailure()) {
            set_ephemeral_range(low, low + 3);
        }
    }
};

/// Bound beside `owner`, whose flag is set for the while.
Fd bound_beside(const Fd& owner) {
    set_reuseaddr(owner, true);
    Fd socket = flagged(tcp_socket(local_address(owner).storage.ss_family));
    EXPECT_EQ(bind_to(socket, local_address(owner)), success)
        << "K1: two flagged sockets do not share a port";
    set_reuseaddr(owner, false);
    return socket;
}

/// A socket that is connected to itself, and closed.
void leave_self_time_wait(const Address& place) {
    const Fd socket = flagged(tcp_socket(place.storage.ss_family));
    ASSERT_EQ(bind_to(socket, place), success);
    ASSERT_EQ(connect_to(socket, place), success) << "K15: a socket cannot connect to itself";
    ASSERT_EQ(::shutdown(socket.get(), SHUT_RDWR), 0);
    ASSERT_TRUE(port_is_in_state(place.port(), TcpState::time_wait))
        << "K21: shutdown of a socket that is connected to itself leaves no TIME_WAIT";
}

TEST_F(KernelLease, K21_a_socket_connected_to_itself_leaves_a_time_wait_that_is_given_to_nobody) {
    const Fd target = listener(loopback(elsewhere));
    for (const int family : {AF_INET, AF_INET6}) {
        const auto port = static_cast<std::uint16_t>(family == AF_INET ? leased : leased + 2);
        leave_self_time_wait(loopback(port, family));
        for (const bool flag : {false, true}) {
            std::vector<Fd> kept;
            for (int attempt = 0; attempt < 8; ++attempt) {
                Fd socket = tcp_socket(family);
                set_reuseaddr(socket, flag);
                const Outcome outcome = attempt % 2 != 0 && family == AF_INET
                                            ? connect_to(socket, loopback(elsewhere))
                                            : bind_to(socket, wildcard(0, family));
                EXPECT_TRUE(outcome != success || local_port(socket) != port)
                    << "K21: attempt " << attempt << " was given the leased port";
                reset_on_close(socket);
                kept.push_back(std::move(socket));
            }
        }
        EXPECT_EQ(bind_to(tcp_socket(family), loopback(port, family)), Outcome{EADDRINUSE});
        EXPECT_EQ(bind_to(tcp_socket(family), wildcard(port, family)), Outcome{EADDRINUSE});
        const Fd owner = flagged(tcp_socket(family));
        EXPECT_EQ(bind_to(owner, wildcard(port, family)), success);
        EXPECT_EQ(listen_on(owner), success) << "K21: who has the flag cannot listen on the leased port";
    }
}

TEST_F(KernelLease, K21_bind_zero_takes_the_other_parity_than_the_range_s_lowest_first) {
    for (const std::uint16_t first : {low, leased}) {
        set_ephemeral_range(first, static_cast<std::uint16_t>(first + 39));
        std::vector<Fd> kept;
        for (int count = 0; count < 20; ++count) {
            kept.push_back(tcp_socket());
            ASSERT_EQ(bind_to(kept.back(), loopback(0)), success);
            EXPECT_EQ((local_port(kept.back()) - first) % 2, 1) << "K21: bind(0) has changed its order";
        }
        kept.push_back(tcp_socket());
        ASSERT_EQ(bind_to(kept.back(), loopback(0)), success);
        EXPECT_EQ((local_port(kept.back()) - first) % 2, 0);
    }
}

TEST_F(KernelLease, K21_listen_without_the_flag_finds_another_descriptor_of_the_socket_that_has_gone) {
    for (const bool is_open_elsewhere : {false, true}) {
        Fd owner = tcp_socket();
        ASSERT_EQ(bind_to(owner, loopback(0)), success);
        const Fd copy(is_open_elsewhere ? ::dup(owner.get()) : -1);
        Fd placeholder = bound_beside(owner);
        set_reuseaddr(placeholder, false);
        owner.reset();
        EXPECT_EQ(listen_on(placeholder), is_open_elsewhere ? Outcome{EADDRINUSE} : success)
            << "K21: listen does not tell whether another descriptor is open";
        placeholder.reset();
        EXPECT_TRUE(!is_open_elsewhere || listen_on(copy) == success);
    }
}

TEST_F(KernelLease, K21_a_socket_with_the_flag_listens_over_the_time_wait_and_may_lose_the_flag_then) {
    const Fd owner = tcp_socket();
    ASSERT_EQ(bind_to(owner, loopback(0)), success);
    set_reuseaddr(owner, true);
    leave_self_time_wait(local_address(owner));
    ASSERT_EQ(listen_on(owner), success);
    set_reuseaddr(owner, false);
    Fd client = tcp_socket();
    EXPECT_EQ(bind_to(client, loopback(11000)), success);
    const Connection connection = connect_pair(owner, std::move(client));
    EXPECT_TRUE(carries_data(connection));
    EXPECT_EQ(bind_to(flagged(tcp_socket()), local_address(owner)), Outcome{EADDRINUSE})
        << "K21: a listener beside a leased TIME_WAIT no longer excludes others";
}

} // namespace
} // namespace portguard::test
