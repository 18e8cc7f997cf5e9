// K2, K7, K8 and K13 on MPTCP sockets, which are TCP ports with another socket in front.
#include <cerrno>
#include <set>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "kernel/kernel_fixture.h"
#include "kernel/port_ways.h"
#include "kernel/sock_diag_query.h"
#include "support/skip.h"

namespace portguard::test {
namespace {

constexpr std::uint16_t contested = 10000;

class KernelMptcp : public Kernel {
protected:
    void SetUp() override {
        Kernel::SetUp();
        if (!IsSkipped() && !HasFatalFailure() && !mptcp_socket().valid()) {
            PORTGUARD_SKIP("MPTCP is not there");
        }
    }
};

TEST_F(KernelMptcp, K02_mptcp_refuses_the_flag_after_connect) {
    const Fd client = mptcp_socket();
    const Fd target = listener(mptcp_socket(), loopback(way_target));
    ASSERT_EQ(set_reuseaddr(client), success) << "K2: MPTCP refuses the flag even before connect";
    ASSERT_EQ(set_reuseaddr(client, false), success);
    ASSERT_EQ(connect_to(client, loopback(way_target)), success);
    EXPECT_EQ(set_reuseaddr(client), Outcome{EINVAL}) << "K2: MPTCP now takes SO_REUSEADDR after connect";
}

TEST_F(KernelMptcp, K02_mptcp_refuses_the_flag_after_a_connect_that_fell_back_to_tcp) {
    const Fd client = mptcp_socket();
    const Fd target = listener(loopback(way_target));
    ASSERT_EQ(connect_to(client, loopback(way_target)), success);
    const Outcome outcome = set_reuseaddr(client);
    if (outcome == success) {
        PORTGUARD_OTHERWISE_BEFORE(6, 12, "MPTCP takes the flag after a connect that fell back to TCP");
    }
    EXPECT_EQ(outcome, Outcome{EINVAL});
}

TEST_F(KernelMptcp, K07_flag_between_bind_and_listen_is_good_for_the_next_mptcp_restart) {
    Fd server = mptcp_socket();
    ASSERT_EQ(bind_to(server, wildcard(contested)), success);
    ASSERT_EQ(set_reuseaddr(server), success) << "K7: MPTCP refuses the flag after bind";
    ASSERT_EQ(listen_on(server), success);
    Connection connection = connect_pair(server, mptcp_socket());
    EXPECT_TRUE(has_reuseaddr(connection.server)) << "K7: an accepted MPTCP socket does not show the flag";
    server.reset();
    into_time_wait(std::move(connection.server), std::move(connection.client));
    EXPECT_EQ(bind_to(mptcp_socket(), wildcard(contested)), Outcome{EADDRINUSE});
    const Fd restarted = mptcp_socket();
    ASSERT_EQ(bind_to(restarted, wildcard(contested)), Outcome{EADDRINUSE});
    ASSERT_EQ(set_reuseaddr(restarted), success);
    EXPECT_EQ(bind_to(restarted, wildcard(contested)), success)
        << "K7: a failed bind of an MPTCP socket cannot be repeated with the flag";
    EXPECT_EQ(listen_on(restarted), success);
}

TEST_F(KernelMptcp, K08_mptcp_takes_the_range_and_obeys) {
    if (set_port_range(mptcp_socket(), 0, 0) == Outcome{ENOPROTOOPT}) {
        PORTGUARD_NOT_THERE_BEFORE(6, 12, "IP_LOCAL_PORT_RANGE is not there for MPTCP");
    }
    set_ephemeral_range(20000, 29999);
    const Fd target = listener(wildcard(way_target, AF_INET6));
    for (int family : {AF_INET, AF_INET6}) {
        const Fd client = mptcp_socket(family);
        ASSERT_EQ(set_port_range(client, 25000, 25000), success)
            << "K8: MPTCP refuses IP_LOCAL_PORT_RANGE, IPv" << (family == AF_INET ? 4 : 6);
        ASSERT_EQ(connect_to(client, loopback(way_target, family)), success);
        EXPECT_EQ(local_port(client), 25000) << "K8: MPTCP took the range and does not obey";

        const Fd bound = mptcp_socket(family);
        ASSERT_EQ(set_port_range(bound, 25001, 25001), success);
        ASSERT_EQ(bind_to(bound, wildcard(0, family)), success);
        EXPECT_EQ(local_port(bound), 25001) << "K8: MPTCP bind(0) does not obey";
    }
}

std::uint64_t inode_of(const Fd& fd) {
    struct stat status {};
    EXPECT_EQ(::fstat(fd.get(), &status), 0);
    return status.st_ino;
}

TEST_F(KernelMptcp, K13_the_tcp_dump_shows_mptcp_sockets_with_the_inode_of_their_fd) {
    const Fd server = listener(mptcp_socket(), wildcard(contested));
    const Connection connection = connect_pair(server, mptcp_socket());
    const Fd bound = mptcp_socket();
    ASSERT_EQ(bind_to(bound, wildcard(contested + 1)), success);

    std::set<std::uint64_t> shown;
    for (const DiagSocket& socket : sock_diag({})) {
        shown.insert(socket.message.idiag_inode);
    }
    std::set<std::uint64_t> expected{inode_of(server), inode_of(connection.client),
                                     inode_of(connection.server)};
    if (kernel_is_at_least(6, 8)) {
        expected.insert(inode_of(bound)); // as of every protocol (KernelBoundOnly)
    }
    EXPECT_EQ(shown, expected) << "K13: the owner of an MPTCP socket cannot be found through the TCP dump";
}

} // namespace
} // namespace portguard::test
