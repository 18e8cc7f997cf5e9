// K1, K3 and K11: who may share a TCP port with whom.
#include <cerrno>

#include <gtest/gtest.h>

#include "kernel/kernel_fixture.h"
#include "support/sockets.h"

namespace portguard::test {
namespace {

constexpr std::uint16_t contested = 10000;
constexpr std::uint16_t elsewhere = 9000;

/// A connection out of `contested` to a listener on `elsewhere`, its port chosen without SO_REUSEADDR.
struct Outgoing {
    Fd server = listener(loopback(elsewhere));
    Connection connection;

    explicit Outgoing(Fd client) { connection = connect_pair(server, std::move(client)); }
    Outgoing() : Outgoing((set_ephemeral_range(contested, contested), tcp_socket())) {}
};

TEST_F(Kernel, K01_plain_connection_blocks_a_flagged_listener) {
    const Outgoing outgoing;
    ASSERT_EQ(local_port(outgoing.connection.client), contested);
    for (const Address& wanted : {loopback(contested), wildcard(contested)}) {
        EXPECT_EQ(bind_to(flagged(tcp_socket()), wanted), Outcome{EADDRINUSE})
            << "K1: a plain ESTABLISHED connection no longer blocks a flagged listener on " << wanted;
    }
}

TEST_F(Kernel, K01_plain_time_wait_blocks_a_flagged_listener) {
    Outgoing outgoing;
    ASSERT_EQ(into_time_wait(std::move(outgoing.connection.client), std::move(outgoing.connection.server)),
              contested);
    for (const Address& wanted : {loopback(contested), wildcard(contested)}) {
        EXPECT_EQ(bind_to(flagged(tcp_socket()), wanted), Outcome{EADDRINUSE})
            << "K1: the TIME_WAIT of a plain connection no longer blocks a flagged listener on " << wanted;
    }
}

TEST_F(Kernel, K01_another_address_does_not_overlap) {
    const Outgoing outgoing;
    ASSERT_EQ(local_port(outgoing.connection.client), contested);
    EXPECT_EQ(bind_to(tcp_socket(), address("127.0.0.2", contested)), success)
        << "K1: a connection from 127.0.0.1 now blocks the same port on 127.0.0.2";
}

TEST_F(Kernel, K01_a_port_is_shared_only_if_both_have_the_flag_and_neither_listens) {
    for (int family : {AF_INET, AF_INET6}) {
        for (bool holder_flag : {false, true}) {
            for (bool holder_listens : {false, true}) {
                for (bool second_flag : {false, true}) {
                    const Fd holder = tcp_socket(family);
                    set_reuseaddr(holder, holder_flag);
                    ASSERT_EQ(bind_to(holder, wildcard(contested, family)), success);
                    if (holder_listens) {
                        ASSERT_EQ(listen_on(holder), success);
                    }
                    const Fd second = tcp_socket(family);
                    set_reuseaddr(second, second_flag);
                    const bool shared = holder_flag && second_flag && !holder_listens;
                    EXPECT_EQ(bind_to(second, loopback(contested, family)),
                              shared ? success : Outcome{EADDRINUSE})
                        << "K1: holder with SO_REUSEADDR=" << holder_flag << " listening=" << holder_listens
                        << ", second with SO_REUSEADDR=" << second_flag << ", IPv"
                        << (family == AF_INET ? 4 : 6);
                }
            }
        }
    }
}

/// A server on `contested` that was run once, with a connection which it closed first. Returns nothing: the
/// TIME_WAIT is what it leaves behind.
void run_server_once(Fd server_socket) {
    Fd server = listener(std::move(server_socket), wildcard(contested));
    Connection connection = connect_pair(server);
    server.reset();
    ASSERT_EQ(into_time_wait(std::move(connection.server), std::move(connection.client)), contested);
}

TEST_F(Kernel, K03_accepted_sockets_inherit_the_flag_of_the_listener) {
    for (bool flag : {false, true}) {
        const Fd server = tcp_socket();
        set_reuseaddr(server, flag);
        ASSERT_EQ(bind_to(server, wildcard(contested)), success);
        ASSERT_EQ(listen_on(server), success);
        const Connection connection = connect_pair(server);
        reset_on_close(connection.server); // else its TIME_WAIT meets the next round
        EXPECT_EQ(has_reuseaddr(connection.server), flag)
            << "K3: an accepted socket no longer inherits SO_REUSEADDR=" << flag;
    }
}

TEST_F(Kernel, K03_time_wait_of_a_plain_server_blocks_its_flagged_restart) {
    run_server_once(tcp_socket());
    EXPECT_EQ(bind_to(flagged(tcp_socket()), wildcard(contested)), Outcome{EADDRINUSE})
        << "K3: TIME_WAIT of a server that never had the flag no longer blocks a restart that sets it";
}

TEST_F(Kernel, K03_time_wait_of_a_flagged_server_lets_a_flagged_restart_in) {
    run_server_once(flagged(tcp_socket()));
    EXPECT_EQ(bind_to(tcp_socket(), wildcard(contested)), Outcome{EADDRINUSE})
        << "K3: TIME_WAIT that kept the flag now lets a restart without it in";
    const Fd restarted = flagged(tcp_socket());
    EXPECT_EQ(bind_to(restarted, wildcard(contested)), success) << "K3: TIME_WAIT did not keep the flag";
    EXPECT_EQ(listen_on(restarted), success) << "K3: bind over TIME_WAIT was allowed, listen is not";
}

/// `held` listens; then `wanted` must be refused, whatever flags the two have.
void expect_exclusive(const Address& held, const Address& wanted) {
    for (bool holder_flag : {false, true}) {
        for (bool second_flag : {false, true}) {
            const Fd holder = tcp_socket(held.storage.ss_family);
            set_reuseaddr(holder, holder_flag);
            ASSERT_EQ(bind_to(holder, held), success);
            ASSERT_EQ(listen_on(holder), success);
            const Fd second = tcp_socket(wanted.storage.ss_family);
            set_reuseaddr(second, second_flag);
            EXPECT_EQ(bind_to(second, wanted), Outcome{EADDRINUSE})
                << "K11: " << wanted << " (SO_REUSEADDR=" << second_flag << ") beside " << held
                << " in LISTEN (SO_REUSEADDR=" << holder_flag << ")";
        }
    }
}

TEST_F(Kernel, K11_a_wildcard_listener_excludes_a_specific_address) {
    add_address_to_lo("10.1.2.3");
    expect_exclusive(wildcard(contested), address("10.1.2.3", contested));
    expect_exclusive(wildcard(contested, AF_INET6), address("10.1.2.3", contested));
    expect_exclusive(wildcard(contested, AF_INET6), loopback(contested, AF_INET6));
}

TEST_F(Kernel, K11_a_specific_listener_excludes_the_wildcard) {
    add_address_to_lo("10.1.2.3");
    expect_exclusive(address("10.1.2.3", contested), wildcard(contested));
    expect_exclusive(address("10.1.2.3", contested), wildcard(contested, AF_INET6));
    expect_exclusive(loopback(contested, AF_INET6), wildcard(contested, AF_INET6));
}

} // namespace
} // namespace portguard::test
