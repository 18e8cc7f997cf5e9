// K6 and K7: the flag and listen().
#include <cerrno>

#include <gtest/gtest.h>

#include "kernel/kernel_fixture.h"
#include "support/sockets.h"

namespace portguard::test {
namespace {

constexpr std::uint16_t contested = 10000;

TEST_F(Kernel, K06_with_the_flag_on_both_the_second_listen_fails) {
    for (int family : {AF_INET, AF_INET6}) {
        const Fd first = flagged(tcp_socket(family));
        const Fd second = flagged(tcp_socket(family));
        ASSERT_EQ(bind_to(first, wildcard(contested, family)), success);
        ASSERT_EQ(bind_to(second, wildcard(contested, family)), success)
            << "K6: the conflict now shows at bind";
        ASSERT_EQ(listen_on(first), success);
        EXPECT_EQ(listen_on(second), Outcome{EADDRINUSE}) << "K6: two listeners share the port";
    }
}

/// bind, then the flag, then listen: the order portguard's listen() makes.
Fd listener_flagged_late() {
    Fd server = tcp_socket();
    EXPECT_EQ(bind_to(server, wildcard(contested)), success);
    EXPECT_EQ(set_reuseaddr(server), success);
    EXPECT_EQ(listen_on(server), success) << "K7: the flag set after bind makes listen fail";
    return server;
}

TEST_F(Kernel, K07_flag_between_bind_and_listen_is_inherited_by_accepted_sockets) {
    const Fd server = listener_flagged_late();
    const Connection connection = connect_pair(server);
    EXPECT_TRUE(has_reuseaddr(connection.server)) << "K7: not inherited";
}

TEST_F(Kernel, K07_flag_between_bind_and_listen_is_good_for_the_next_restart) {
    Fd server = listener_flagged_late();
    Connection lives = connect_pair(server);
    Connection dies = connect_pair(server);
    server.reset();
    ASSERT_EQ(into_time_wait(std::move(dies.server), std::move(dies.client)), contested);
    const Fd restarted = flagged(tcp_socket());
    EXPECT_EQ(bind_to(restarted, wildcard(contested)), success)
        << "K7: a live connection and a TIME_WAIT of such a server block its flagged restart";
    EXPECT_EQ(listen_on(restarted), success) << "K7: they block listen of its restart";
    EXPECT_TRUE(carries_data(lives));
}

TEST_F(Kernel, K07_flag_between_bind_and_listen_leaves_bind_conflicts_where_they_were) {
    const Fd first = tcp_socket();
    ASSERT_EQ(bind_to(first, wildcard(contested)), success);
    const Fd rival = flagged(tcp_socket());
    ASSERT_EQ(bind_to(rival, wildcard(contested)), Outcome{EADDRINUSE})
        << "K7: a plain bound socket no longer conflicts at bind";
    ASSERT_EQ(set_reuseaddr(first), success);
    ASSERT_EQ(listen_on(first), success);
    EXPECT_EQ(bind_to(rival, wildcard(contested)), Outcome{EADDRINUSE})
        << "K7: a listener that got the flag late can be bound over";
}

TEST_F(Kernel, K07_a_failed_bind_may_be_repeated_on_the_same_socket_with_the_flag) {
    Fd earlier = listener(flagged(tcp_socket()), wildcard(contested));
    Connection connection = connect_pair(earlier);
    earlier.reset();
    ASSERT_EQ(into_time_wait(std::move(connection.server), std::move(connection.client)), contested);

    const Fd server = tcp_socket();
    ASSERT_EQ(bind_to(server, wildcard(contested)), Outcome{EADDRINUSE});
    ASSERT_EQ(set_reuseaddr(server), success);
    EXPECT_EQ(bind_to(server, wildcard(contested)), success) << "K7: the failed bind spoilt the socket";
    EXPECT_EQ(listen_on(server), success);
    EXPECT_EQ(local_port(server), contested);
}

} // namespace
} // namespace portguard::test
