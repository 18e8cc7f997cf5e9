// K10: what SO_REUSEADDR means on UDP.
#include <cerrno>

#include <gtest/gtest.h>

#include "kernel/kernel_fixture.h"
#include "support/sockets.h"

namespace portguard::test {
namespace {

constexpr std::uint16_t contested = 10000;
constexpr int datagrams = 8;

int waiting_datagrams(const Fd& socket) {
    int count = 0;
    char byte = 0;
    while (count < datagrams && ::recv(socket.get(), &byte, 1, MSG_DONTWAIT) == 1) {
        ++count;
    }
    return count;
}

void send_datagrams(int family) {
    for (int sent = 0; sent < datagrams; ++sent) {
        // A new source port each time: the answer must not depend on a hash of the address pair.
        const Fd client = udp_socket(family);
        const Address target = loopback(contested, family);
        ASSERT_EQ(::sendto(client.get(), "x", 1, 0, target.get(), target.length), 1);
    }
}

TEST_F(Kernel, K10_of_two_flagged_udp_sockets_the_later_one_gets_the_datagrams) {
    for (int family : {AF_INET, AF_INET6}) {
        const Fd first = flagged(udp_socket(family));
        ASSERT_EQ(bind_to(first, wildcard(contested, family)), success);
        send_datagrams(family);
        ASSERT_EQ(waiting_datagrams(first), datagrams);

        Fd second = flagged(udp_socket(family));
        ASSERT_EQ(bind_to(second, wildcard(contested, family)), success) << "K10: the second is refused";
        send_datagrams(family);
        EXPECT_EQ(waiting_datagrams(second), datagrams) << "K10: the later binder no longer takes them all";
        EXPECT_EQ(waiting_datagrams(first), 0) << "K10: the earlier binder still gets some";

        second.reset();
        send_datagrams(family);
        EXPECT_EQ(waiting_datagrams(first), datagrams);
    }
}

TEST_F(Kernel, K10_udp_shares_only_if_both_have_the_flag) {
    for (bool first_flag : {false, true}) {
        for (bool second_flag : {false, true}) {
            const Fd first = udp_socket();
            const Fd second = udp_socket();
            set_reuseaddr(first, first_flag);
            set_reuseaddr(second, second_flag);
            ASSERT_EQ(bind_to(first, wildcard(contested)), success);
            EXPECT_EQ(bind_to(second, wildcard(contested)),
                      first_flag && second_flag ? success : Outcome{EADDRINUSE})
                << "K10: first SO_REUSEADDR=" << first_flag << ", second SO_REUSEADDR=" << second_flag;
        }
    }
}

} // namespace
} // namespace portguard::test
