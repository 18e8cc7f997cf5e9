#include <gtest/gtest.h>

#include <cerrno>
#include <limits>

#include <net/if.h>
#include <netinet/ip.h>
#include <sys/stat.h>

#include "kernel/holders.h"
#include "kernel_look/holder_samples.h"
#include "support/child.h"
#include "support/kernel_features.h"
#include "support/private_net.h"
#include "support/skip.h"
#include "support/sockets.h"
#include "support/waiting.h"

namespace portguard::test {
namespace {

constexpr std::uint16_t port = 10000;

class FindHolders : public PrivateNetTest {
protected:
    static HolderReport find(const AskedAddress& address, Protocol protocol = Protocol::tcp) {
        HolderOptions options;
        options.budget = std::chrono::seconds(10);
        // Whatever else runs on this machine, with however many descriptors.
        options.most_other_fds = std::numeric_limits<std::size_t>::max();
        return find_holders(address, protocol, options);
    }
};

TEST_F(FindHolders, NobodyOnAFreePort) {
    const HolderReport report = find(asked("0.0.0.0"));
    EXPECT_TRUE(report.holders.empty());
    EXPECT_TRUE(report.sockets_complete);
    EXPECT_TRUE(report.missing.empty());
}

TEST_F(FindHolders, AListenerWithItsProcessAndFlags) {
    const Fd server = listener(flagged(tcp_socket()), loopback(port));
    const HolderReport report = find(asked("0.0.0.0"));
    ASSERT_EQ(report.holders.size(), 1U);
    const Holder& holder = report.holders.front();
    EXPECT_EQ(holder.socket.state, SocketState::listen);
    EXPECT_EQ(holder.owner_status, OwnerStatus::found);
    ASSERT_EQ(holder.owners.size(), 1U);
    EXPECT_EQ(report.process_of(holder.owners.front()).pid, getpid());
    EXPECT_EQ(holder.owners.front().fd, server.get());
    EXPECT_EQ(holder.reuseaddr, true);
    EXPECT_EQ(holder.reuseport, false);
    EXPECT_TRUE(report.missing.empty());
}

TEST_F(FindHolders, BothEndsOfAConnectionAndItsTimeWait) {
    const Fd server = listener(loopback(7000));
    Fd client = tcp_socket();
    ASSERT_EQ(bind_to(client, loopback(port)), success);
    Connection connection = connect_pair(server, std::move(client));
    HolderReport report = find(asked("127.0.0.1"));
    ASSERT_EQ(report.holders.size(), 1U);
    EXPECT_EQ(report.holders[0].socket.state, SocketState::established);
    EXPECT_EQ(report.holders[0].socket.remote.port, 7000);
    into_time_wait(std::move(connection.client), std::move(connection.server));
    report = find(asked("127.0.0.1"));
    ASSERT_EQ(report.holders.size(), 1U);
    EXPECT_EQ(report.holders[0].socket.state, SocketState::time_wait);
    EXPECT_EQ(report.holders[0].owner_status, OwnerStatus::kernel);
    ASSERT_TRUE(report.holders[0].socket.timer_ms.has_value());
    EXPECT_LE(*report.holders[0].socket.timer_ms, 60'000U);
    EXPECT_TRUE(may_cure(asked("127.0.0.1"), std::vector{report.holders[0].socket}));
}

TEST_F(FindHolders, ASocketThatIsOnlyBound) {
    PORTGUARD_NEEDS_BOUND_SOCKETS_SHOWN();
    const Fd bound = tcp_socket();
    ASSERT_EQ(bind_to(bound, loopback(port)), success);
    const HolderReport report = find(asked("127.0.0.1"));
    ASSERT_EQ(report.holders.size(), 1U) << "shown since Linux 6.8";
    EXPECT_EQ(report.holders[0].socket.state, SocketState::bound);
    EXPECT_FALSE(report.holders[0].socket.is_hold());
}

TEST_F(FindHolders, TheTagOfAHold) {
    PORTGUARD_NEEDS_BOUND_SOCKETS_SHOWN();
    const Fd hold = flagged(tcp_socket(AF_INET6));
    ASSERT_EQ(set_option(hold, SOL_IP, IP_TOS, hold_tos), success);
    ASSERT_EQ(bind_to(hold, wildcard(port, AF_INET6)), success);
    const HolderReport report = find(asked("127.0.0.1"));
    ASSERT_EQ(report.holders.size(), 1U);
    EXPECT_TRUE(report.holders[0].socket.is_hold());
}

TEST_F(FindHolders, AnIPv6WildcardHoldsIPv4UnlessItIsV6Only) {
    Fd dual = listener(tcp_socket(AF_INET6), wildcard(port, AF_INET6));
    EXPECT_EQ(find(asked("127.0.0.1")).holders.size(), 1U);
    dual.reset();
    Fd only = tcp_socket(AF_INET6);
    ASSERT_EQ(set_option(only, SOL_IPV6, IPV6_V6ONLY, 1), success);
    const Fd server = listener(std::move(only), wildcard(port, AF_INET6));
    EXPECT_TRUE(find(asked("127.0.0.1")).holders.empty());
    EXPECT_EQ(find(asked("::1")).holders.size(), 1U);
}

TEST_F(FindHolders, UdpSocketsAreUnconnectedOrConnected) {
    const Fd waiting = udp_socket();
    ASSERT_EQ(bind_to(waiting, loopback(port)), success);
    const HolderReport report = find(asked("127.0.0.1"), Protocol::udp);
    ASSERT_EQ(report.holders.size(), 1U);
    EXPECT_EQ(report.holders[0].socket.state, SocketState::unconnected);
    EXPECT_TRUE(find(asked("127.0.0.1"), Protocol::tcp).holders.empty());
}

TEST_F(FindHolders, ThePortOfAnMptcpListener) {
    const Fd mptcp = mptcp_socket();
    if (!mptcp.valid()) {
        PORTGUARD_SKIP("no MPTCP in this kernel");
    }
    ASSERT_EQ(bind_to(mptcp, loopback(port)), success);
    ASSERT_EQ(listen_on(mptcp), success);
    const HolderReport report = find(asked("127.0.0.1"));
    ASSERT_EQ(report.holders.size(), 1U);
    EXPECT_EQ(report.holders[0].owner_status, OwnerStatus::found);
}

TEST_F(FindHolders, ParentsOfAnInheritedListenerBeforeTheirChildren) {
    const Fd server = listener(loopback(port));
    const ParkedChild child([] {});
    const HolderReport report = find(asked("127.0.0.1"));
    ASSERT_EQ(report.holders.size(), 1U);
    ASSERT_EQ(report.holders[0].owners.size(), 2U);
    EXPECT_EQ(report.process_of(report.holders[0].owners[0]).pid, getpid());
    EXPECT_EQ(report.process_of(report.holders[0].owners[1]).pid, child.pid());
}

TEST_F(FindHolders, LeavesOutTheSocketThatAsks) {
    const Fd bound = tcp_socket();
    ASSERT_EQ(bind_to(bound, loopback(port)), success);
    struct stat file {};
    ASSERT_EQ(fstat(bound.get(), &file), 0);
    HolderOptions options;
    options.left_out_inode = file.st_ino;
    EXPECT_TRUE(find_holders(asked("127.0.0.1"), Protocol::tcp, options).holders.empty());
}

TEST_F(FindHolders, TellsThePortsBesideThatAreTaken) {
    const Fd server = listener(loopback(port));
    const Fd above = listener(loopback(port + 1, AF_INET6));
    const Fd beyond = listener(loopback(port + 3));
    HolderOptions options;
    options.neighbours = 2;
    const HolderReport report = find_holders(asked("127.0.0.1"), Protocol::tcp, options);
    EXPECT_EQ(report.holders.size(), 1U);
    EXPECT_EQ(report.neighbours.ports, (PortRange{port - 2, port + 2}));
    EXPECT_EQ(report.neighbours.taken, std::vector<std::uint16_t>{port + 1});
    EXPECT_TRUE(find(asked("127.0.0.1")).neighbours.ports.empty()) << "nobody asked";
    EXPECT_TRUE(find_holders(asked("::1"), Protocol::tcp, options).neighbours.ports.empty())
        << "the IPv4 sockets were not read";
}

TEST_F(FindHolders, AnotherUsersHolderIsSeenButNotItsOwner) {
    const Fd server = listener(flagged(tcp_socket()), loopback(port));
    EXPECT_EQ(result_in_child([&] {
                  become_user(65534);
                  close(server.get());
                  const HolderReport report = find(asked("127.0.0.1"));
                  const bool seen = report.holders.size() == 1 && report.holders[0].owners.empty() &&
                                    report.holders[0].owner_status == OwnerStatus::not_visible &&
                                    !report.holders[0].reuseaddr.has_value() && report.missing.size() == 1;
                  return seen ? 0 : 1;
              }),
              0);
}

TEST_F(FindHolders, OutOfTimeIsToldAndNotTakenForFree) {
    const Fd server = listener(loopback(port));
    HolderOptions options;
    options.budget = std::chrono::milliseconds(0);
    options.syscalls.poll = [](pollfd*, nfds_t, int) { return 0; };
    const HolderReport report = find_holders(asked("127.0.0.1"), Protocol::tcp, options);
    EXPECT_FALSE(report.sockets_complete);
    ASSERT_EQ(report.missing.size(), 2U);
    EXPECT_EQ(report.missing[1], "the list of IPv4 sockets (out of time)");
}

TEST_F(FindHolders, AForbiddenNetlinkIsToldAndNotTakenForFree) {
    HolderOptions options;
    options.syscalls.socket = [](int, int, int) {
        errno = EPERM;
        return -1;
    };
    const HolderReport report = find_holders(asked("127.0.0.1"), Protocol::tcp, options);
    EXPECT_FALSE(report.sockets_complete);
    ASSERT_EQ(report.missing.size(), 2U);
    EXPECT_EQ(report.missing[0], "the list of IPv6 sockets (EPERM)");
}

int interruptions = 0;

TEST_F(FindHolders, CarriesOnAfterSignals) {
    const Fd server = listener(loopback(port));
    HolderOptions options;
    options.syscalls.recv = [](int fd, void* data, size_t length, int flags) -> ssize_t {
        if (interruptions++ % 2 == 0) {
            errno = EINTR;
            return -1;
        }
        return recv(fd, data, length, flags);
    };
    EXPECT_EQ(find_holders(asked("127.0.0.1"), Protocol::tcp, options).holders.size(), 1U);
    EXPECT_GT(interruptions, 0);
}

TEST_F(FindHolders, KeepsNoDescriptorOpen) {
    const Fd server = listener(loopback(port));
    const ParkedChild child([] {});
    const Fd before(dup(server.get()));
    const int next = before.get();
    find(asked("127.0.0.1"));
    const Fd after(dup(server.get()));
    EXPECT_EQ(after.get(), next + 1);
}

} // namespace
} // namespace portguard::test
