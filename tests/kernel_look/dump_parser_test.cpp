#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <random>

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

#include "kernel/sock_diag.h"

namespace portguard::test {
namespace {

constexpr std::uint16_t port = 10000;
constexpr std::uint32_t sequence = 7;
using Bytes = std::vector<std::byte>;

// Not vector::insert: GCC 12 at -O3 sees an overflow in it that there is not.
void append_bytes(Bytes& bytes, const void* more, std::size_t length) {
    const std::size_t end = bytes.size();
    bytes.resize(end + length);
    std::memcpy(bytes.data() + end, more, length);
}

template <typename Value>
void append(Bytes& bytes, const Value& value) {
    append_bytes(bytes, &value, sizeof value);
}

/// A netlink message with `payload`, its length field set.
Bytes message(std::uint16_t type, const Bytes& payload, std::uint16_t flags = 0) {
    Bytes bytes;
    append(bytes,
           nlmsghdr{static_cast<std::uint32_t>(sizeof(nlmsghdr) + payload.size()), type, flags, sequence, 0});
    append_bytes(bytes, payload.data(), payload.size());
    return bytes;
}

Bytes socket_message(std::uint16_t source_port, std::uint8_t state, std::uint16_t flags = 0) {
    inet_diag_msg body{};
    body.idiag_family = AF_INET;
    body.idiag_state = state;
    body.id.idiag_sport = htons(source_port);
    body.id.idiag_src[0] = htonl(INADDR_LOOPBACK);
    body.idiag_inode = 42;
    Bytes payload;
    append(payload, body);
    append(payload, nlattr{sizeof(nlattr) + 1, INET_DIAG_TOS});
    append(payload, std::uint32_t{hold_tos});
    return message(SOCK_DIAG_BY_FAMILY, payload, flags);
}

Bytes result_message(std::uint16_t type, int result) {
    Bytes payload;
    append(payload, result);
    return message(type, payload);
}

Bytes operator+(Bytes left, const Bytes& right) {
    append_bytes(left, right.data(), right.size());
    return left;
}

DumpParser parser() {
    return {Protocol::tcp, {port, port}, sequence};
}

TEST(DumpParser, ReadsASocketWithItsAttributes) {
    std::vector<DiagSocket> sockets;
    DumpParser dump = parser();
    EXPECT_EQ(dump.feed(socket_message(port, 7) + result_message(NLMSG_DONE, 0), sockets),
              DumpProgress::done);
    ASSERT_EQ(sockets.size(), 1U);
    EXPECT_EQ(sockets[0].state, SocketState::bound);
    EXPECT_EQ(sockets[0].local.port, port);
    EXPECT_EQ(sockets[0].inode, 42U);
    EXPECT_TRUE(sockets[0].is_hold());
    EXPECT_FALSE(dump.interrupted());
}

TEST(DumpParser, LeavesOutOtherPortsThatTheKernelDidNotFilter) {
    std::vector<DiagSocket> sockets;
    DumpParser dump = parser();
    EXPECT_EQ(dump.feed(socket_message(9999, 7) + socket_message(port, 10), sockets), DumpProgress::more);
    EXPECT_EQ(sockets.size(), 1U);
}

TEST(DumpParser, TakesEveryPortWhereNoneIsAskedFor) {
    std::vector<DiagSocket> sockets;
    DumpParser dump(Protocol::tcp, {}, sequence);
    EXPECT_EQ(dump.feed(socket_message(9999, 7) + socket_message(port, 10), sockets), DumpProgress::more);
    EXPECT_EQ(sockets.size(), 2U);
}

TEST(DumpParser, TellsTheErrnoOfAnError) {
    std::vector<DiagSocket> sockets;
    for (const int type : {NLMSG_ERROR, NLMSG_DONE}) {
        DumpParser dump = parser();
        EXPECT_EQ(dump.feed(result_message(static_cast<std::uint16_t>(type), -EPERM), sockets),
                  DumpProgress::failed);
        EXPECT_EQ(dump.error(), EPERM);
    }
}

TEST(DumpParser, NoticesAnInterruptedDump) {
    std::vector<DiagSocket> sockets;
    DumpParser dump = parser();
    dump.feed(socket_message(port, 1, NLM_F_DUMP_INTR), sockets);
    EXPECT_TRUE(dump.interrupted());
}

TEST(DumpParser, CallsEveryTruncationMalformed) {
    const Bytes whole = socket_message(port, 1) + socket_message(port, 6);
    const std::size_t one = whole.size() / 2;
    for (std::size_t length = 0; length < whole.size(); ++length) {
        std::vector<DiagSocket> sockets;
        DumpParser dump = parser();
        // A copy of exactly that size, so that a sanitizer sees a read beyond.
        const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
        EXPECT_EQ(dump.feed(cut, sockets), length == one ? DumpProgress::more : DumpProgress::malformed);
        EXPECT_EQ(sockets.size(), length >= one ? 1U : 0U);
    }
}

TEST(DumpParser, SurvivesAnyByteBeingWrong) {
    const Bytes whole = socket_message(port, 1) + result_message(NLMSG_DONE, 0);
    std::mt19937 random(20261122);
    for (int round = 0; round < 20000; ++round) {
        Bytes bytes = whole;
        for (int change = 0; change < 3; ++change) {
            bytes[random() % bytes.size()] = static_cast<std::byte>(random());
        }
        std::vector<DiagSocket> sockets;
        DumpParser dump = parser();
        dump.feed(bytes, sockets);
        EXPECT_LE(sockets.size(), 2U);
    }
}

} // namespace
} // namespace portguard::test
