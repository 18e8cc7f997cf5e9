// The heap-free look against what it has to agree with: find_conflicts() and may_cure().
#include <algorithm>
#include <array>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "kernel/holders.h"
#include "kernel/port_look.h"
#include "kernel_look/holder_samples.h"
#include "kernel_look/random_condition.h"
#include "support/kernel_features.h"
#include "support/private_net.h"
#include "support/skip.h"
#include "support/sockets.h"

namespace portguard::test {
namespace {

constexpr std::uint16_t port = 10000;
constexpr std::uint16_t server_port = 7000;
constexpr unsigned budget_ms = 10'000;

PortLook look(const AskedAddress& address, std::uint64_t own_inode = 0) {
    std::vector<std::byte> buffer(dump_datagram_size);
    return look_at_port(address, own_inode, buffer, budget_ms);
}

std::uint64_t inode_of(const Fd& socket) {
    struct stat file {};
    return fstat(socket.get(), &file) == 0 ? file.st_ino : 0;
}

/// What the look has to say, by the one that allocates.
PortLook expected(const AskedAddress& address, std::uint64_t own_inode = 0) {
    HolderOptions options;
    options.budget = std::chrono::seconds(10);
    options.left_out_inode = own_inode;
    const HolderReport report = find_conflicts(address, Protocol::tcp, options);
    PortLook result;
    result.complete = report.sockets_complete;
    for (const Holder& holder : report.holders) {
        const DiagSocket& socket = holder.socket;
        result.listener |= socket.state == SocketState::listen;
        result.bound_only |= socket.state == SocketState::bound && !socket.is_hold();
        result.yields |= may_cure(address, std::span(&socket, 1));
    }
    return result;
}

Fd bound(const Address& address) {
    Fd socket = tcp_socket(address.storage.ss_family);
    EXPECT_EQ(bind_to(socket, address), success);
    return socket;
}

Fd hold_socket() {
    Fd socket = flagged(tcp_socket(AF_INET6));
    EXPECT_EQ(set_option(socket, SOL_IP, IP_TOS, hold_tos), success);
    EXPECT_EQ(bind_to(socket, wildcard(port, AF_INET6)), success);
    return socket;
}

/// A connection from loopback(port) of `family`.
Connection connected(int family = AF_INET) {
    const Fd server = listener(loopback(server_port, family));
    return connect_pair(server, bound(loopback(port, family)));
}

class LookAtPort : public PrivateNetTest {};

TEST_F(LookAtPort, SeesNothingOnAFreePort) {
    const PortLook result = look(asked("::"));
    EXPECT_TRUE(result.complete);
    EXPECT_FALSE(result.listener || result.bound_only || result.yields || result.may_cure());
}

TEST_F(LookAtPort, SeesAListenerOfEitherFamily) {
    for (const int family : {AF_INET, AF_INET6}) {
        const Fd server = listener(wildcard(port, family));
        const PortLook result = look(asked("127.0.0.1"));
        EXPECT_TRUE(result.complete && result.listener) << family;
        EXPECT_FALSE(result.may_cure());
    }
}

TEST_F(LookAtPort, AConnectionYieldsInEveryStateThatItGoesThrough) {
    Connection connection = connected();
    EXPECT_TRUE(look(asked("127.0.0.1")).may_cure()) << "ESTABLISHED";
    ASSERT_EQ(shutdown(connection.client.get(), SHUT_WR), 0);
    EXPECT_TRUE(look(asked("127.0.0.1")).may_cure()) << "FIN_WAIT2";
    connection.client.reset();
    EXPECT_TRUE(look(asked("127.0.0.1")).may_cure()) << "FIN_WAIT2, without a process";
    connection.server.reset();
    EXPECT_TRUE(look(asked("127.0.0.1")).may_cure()) << "TIME_WAIT";
    EXPECT_FALSE(look(asked("127.0.0.2")).may_cure()) << "another address";
}

TEST_F(LookAtPort, ASocketThatIsOnlyBoundForbidsTheCureAndAHoldDoesNot) {
    PORTGUARD_NEEDS_BOUND_SOCKETS_SHOWN();
    const Connection connection = connected();
    ASSERT_EQ(set_reuseaddr(connection.client), success);
    {
        const Fd hold = hold_socket();
        EXPECT_TRUE(look(asked("127.0.0.1")).may_cure());
        EXPECT_TRUE(look(asked("127.0.0.2")).may_cure()) << "only the hold is there";
    }
    const Fd rival = flagged(tcp_socket());
    ASSERT_EQ(bind_to(rival, loopback(port)), success);
    EXPECT_TRUE(look(asked("127.0.0.1")).bound_only);
    EXPECT_FALSE(look(asked("127.0.0.1")).may_cure());
    EXPECT_TRUE(look(asked("127.0.0.1"), inode_of(rival)).may_cure()) << "it is the one that asks";
}

TEST_F(LookAtPort, KnowsFamiliesAsTheKernelDoes) {
    const Connection connection = connected(AF_INET6);
    EXPECT_TRUE(look(asked("::1")).may_cure());
    EXPECT_TRUE(look(asked("::", port, true)).may_cure());
    EXPECT_FALSE(look(asked("127.0.0.1")).may_cure());
    EXPECT_FALSE(look(asked("0.0.0.0")).may_cure());
}

TEST_F(LookAtPort, FindsTheOneThatDecidesAmongFiveThousandSockets) {
    constexpr int count = 2500;
    rlimit limit{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < 2 * count + 100) {
        PORTGUARD_SKIP("5,000 descriptors cannot be had");
    }
    // On another address, so that each of them is looked at and none decides.
    const Fd server = listener(address("127.0.0.2", port));
    std::vector<Connection> connections;
    for (int number = 0; number < count; ++number) {
        connections.push_back(connect_pair(server));
    }
    EXPECT_TRUE(look(asked("127.0.0.1")).complete);
    EXPECT_FALSE(look(asked("127.0.0.1")).yields);
    const Connection decides = connected();
    EXPECT_TRUE(look(asked("127.0.0.1")).may_cure());
    EXPECT_TRUE(look(asked("127.0.0.2")).listener);
    EXPECT_TRUE(look(asked("0.0.0.0")).listener);
}

TEST_F(LookAtPort, IsIncompleteWhereNoTimeOrNoRoomIsLeft) {
    const Connection connection = connected();
    std::vector<std::byte> buffer(dump_datagram_size);
    EXPECT_FALSE(look_at_port(asked("127.0.0.1"), 0, buffer, 0).complete);
    EXPECT_FALSE(look_at_port(asked("127.0.0.1"), 0, std::span(buffer).first(4096), budget_ms).complete);
}

TEST_F(LookAtPort, WhatDoesNotFitIsNotHandedOnInPart) {
    const Connection connection = connected();
    std::vector<std::byte> buffer(dump_datagram_size);
    std::vector<std::byte> room(64);
    SeenSockets seen{room};
    EXPECT_TRUE(look_at_port(asked("127.0.0.1"), 0, buffer, budget_ms, &seen).may_cure());
    EXPECT_FALSE(seen.whole);
}

TEST_F(LookAtPort, KeepsNoDescriptorOpen) {
    const Fd before = tcp_socket();
    look(asked("::"));
    const Fd after = tcp_socket();
    EXPECT_EQ(after.get(), before.get() + 1);
}

/// What tells them apart, in one order.
std::vector<std::pair<SocketState, std::array<std::uint32_t, 2>>>
names_of(const std::vector<DiagSocket>& sockets) {
    std::vector<std::pair<SocketState, std::array<std::uint32_t, 2>>> names;
    for (const DiagSocket& socket : sockets) {
        names.emplace_back(socket.state, socket.cookie);
    }
    std::sort(names.begin(), names.end());
    return names;
}

/// Where nothing ends the look, each socket that overlaps is handed on.
void compare_seen(const AskedAddress& address, std::uint64_t own_inode, int round) {
    std::vector<std::byte> buffer(dump_datagram_size);
    std::vector<std::byte> room(4096);
    SeenSockets seen{room};
    const PortLook result = look_at_port(address, own_inode, buffer, budget_ms, &seen);
    EXPECT_EQ(seen.whole, !result.listener && !result.bound_only) << round;
    std::vector<DiagSocket> sockets;
    DumpParser parser(Protocol::tcp, {}, seen_sequence);
    if (seen.used != 0) {
        EXPECT_EQ(parser.feed(std::span(room).first(seen.used), sockets), DumpProgress::more);
    }
    if (seen.whole) {
        HolderOptions options;
        options.budget = std::chrono::seconds(10);
        options.left_out_inode = own_inode;
        std::vector<DiagSocket> wanted;
        for (const Holder& holder : find_conflicts(address, Protocol::tcp, options).holders) {
            wanted.push_back(holder.socket);
        }
        EXPECT_EQ(names_of(sockets), names_of(wanted)) << round;
    }
}

void compare(const AskedAddress& address, std::uint64_t own_inode, int round) {
    const PortLook seen = look(address, own_inode);
    const PortLook wanted = expected(address, own_inode);
    EXPECT_TRUE(seen.complete && wanted.complete) << round;
    EXPECT_EQ(seen.may_cure(), wanted.may_cure()) << round;
    // It may end at the first that decides, of which there is a reason then.
    EXPECT_EQ(seen.listener || seen.bound_only, wanted.listener || wanted.bound_only) << round;
    EXPECT_LE(seen.listener, wanted.listener) << round;
    EXPECT_LE(seen.bound_only, wanted.bound_only) << round;
    EXPECT_LE(seen.yields, wanted.yields) << round;
    compare_seen(address, own_inode, round);
}

TEST_F(LookAtPort, AgreesWithTheOtherLookOverRandomConditions) {
    std::mt19937 random(20261125);
    int cured = 0;
    for (int round = 0; round < 120; ++round) {
        const PrivateNet net;
        ASSERT_TRUE(net.unavailable().empty()) << net.unavailable();
        const Condition condition(random);
        for (const char* text : {"127.0.0.1", "127.0.0.2", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1"}) {
            for (const bool v6only : {false, true}) {
                const AskedAddress address = asked(text, port, v6only);
                compare(address, 0, round);
                if (!condition.sockets().empty()) {
                    compare(address, inode_of(condition.sockets().front()), round);
                }
                cured += look(address).may_cure() ? 1 : 0;
            }
        }
    }
    EXPECT_GT(cured, 100) << "too few conditions of the sample could be cured to show anything";
}

} // namespace
} // namespace portguard::test
