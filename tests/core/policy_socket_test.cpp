#include <gtest/gtest.h>

#include "core/making.h"
#include "core/policy.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262 // <linux/in.h>
#endif

namespace portguard {
namespace {

using test::what;

TEST(DecideSocket, KnowsTcpMptcpAndUdpOfBothFamilies) {
    for (const int domain : {AF_INET, AF_INET6}) {
        EXPECT_EQ(what(facts_of_socket(domain, SOCK_STREAM, 0)), "tcp");
        EXPECT_EQ(what(facts_of_socket(domain, SOCK_STREAM, IPPROTO_TCP)), "tcp");
        EXPECT_EQ(what(facts_of_socket(domain, SOCK_STREAM, IPPROTO_MPTCP)), "mptcp");
        EXPECT_EQ(what(facts_of_socket(domain, SOCK_DGRAM, 0)), "udp");
        EXPECT_EQ(what(facts_of_socket(domain, SOCK_DGRAM, IPPROTO_UDP)), "udp");
    }
}

TEST(DecideSocket, LooksThroughTheFlagsInTheType) {
    EXPECT_EQ(what(facts_of_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)), "tcp");
    EXPECT_EQ(what(facts_of_socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0)), "udp");
}

TEST(DecideSocket, LeavesEveryOtherSocketAlone) {
    struct Row {
        int domain, type, protocol;
    };
    const Row rows[] = {
        {AF_UNIX, SOCK_STREAM, 0},
        {AF_NETLINK, SOCK_RAW, 0},
        {AF_PACKET, SOCK_DGRAM, 0},
        {AF_UNSPEC, SOCK_STREAM, 0},
        {AF_INET, SOCK_RAW, IPPROTO_TCP},
        {AF_INET, SOCK_RAW, IPPROTO_UDP},
        {AF_INET, SOCK_STREAM, IPPROTO_SCTP},
        {AF_INET6, SOCK_SEQPACKET, IPPROTO_SCTP},
        {AF_INET, SOCK_DGRAM, IPPROTO_ICMP},
        {AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE},
        {AF_INET, SOCK_DGRAM, IPPROTO_TCP},
        {AF_INET, SOCK_STREAM, IPPROTO_UDP},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(what(facts_of_socket(row.domain, row.type, row.protocol)), "other")
            << row.domain << ' ' << row.type << ' ' << row.protocol;
    }
}

} // namespace
} // namespace portguard
