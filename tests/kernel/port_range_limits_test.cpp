// K8: where IP_LOCAL_PORT_RANGE ends: the sysctl range, reserved ports, and a later change of either.
#include <algorithm>
#include <cerrno>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "kernel/kernel_fixture.h"
#include "kernel/port_ways.h"

namespace portguard::test {
namespace {

class KernelRangeLimits : public Kernel {
protected:
    void SetUp() override {
        Kernel::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        PORTGUARD_NEEDS_PORT_RANGE();
        target_ = listener(wildcard(way_target, AF_INET6));
    }

private:
    Fd target_;
};

struct Ports {
    std::uint16_t low;
    std::uint16_t high;
};

/// Under a sysctl range of 20000-20099, a socket with the range `asked` is given ports in `expected` alone,
/// and both ends of that can be had.
void expect_choice(Ports asked, Ports expected) {
    set_ephemeral_range(20000, 20099);
    for (const PortWay& way : port_ways) {
        for (int family : {AF_INET, AF_INET6}) {
            std::set<std::uint16_t> ports;
            std::vector<Fd> kept;
            const int width = expected.high - expected.low + 1;
            for (int round = 0; round < width; ++round) {
                Fd socket = socket_for(way, family);
                ASSERT_EQ(set_port_range(socket, asked.low, asked.high), success);
                ASSERT_EQ(way.choose(socket, family), success) << way.name;
                ports.insert(local_port(socket));
                reset_on_close(socket);
                kept.push_back(std::move(socket));
            }
            EXPECT_EQ(*ports.begin(), expected.low) << "K8: " << way.name << ", family " << family;
            EXPECT_EQ(*ports.rbegin(), expected.high) << "K8: " << way.name << ", family " << family;
        }
    }
}

TEST_F(KernelRangeLimits, K08_is_intersected_with_the_sysctl_range) {
    expect_choice({20090, 30000}, {20090, 20099});
    expect_choice({10000, 20009}, {20000, 20009});
}

TEST_F(KernelRangeLimits, K08_a_range_wider_than_the_sysctl_range_changes_nothing) {
    expect_choice({10000, 30000}, {20000, 20099});
}

TEST_F(KernelRangeLimits, K08_is_silently_ignored_where_the_two_do_not_meet) {
    expect_choice({40000, 40099}, {20000, 20099});
    expect_choice({10000, 10099}, {20000, 20099});
}

TEST_F(KernelRangeLimits, K08_zero_leaves_that_end_to_the_sysctl) {
    expect_choice({20090, 0}, {20090, 20099});
    expect_choice({0, 20009}, {20000, 20009});
}

TEST_F(KernelRangeLimits, K08_a_range_wholly_of_reserved_ports_fails) {
    set_ephemeral_range(20000, 29999);
    set_sysctl("ipv4/ip_local_reserved_ports", "25000-25009");
    for (const PortWay& way : port_ways) {
        for (int family : {AF_INET, AF_INET6}) {
            const Fd socket = socket_for(way, family);
            ASSERT_EQ(set_port_range(socket, 25000, 25009), success);
            const Outcome outcome = way.choose(socket, family);
            EXPECT_EQ(outcome, Outcome{way.exhausted})
                << "K8: " << way.name << " in a range of reserved ports has port " << local_port(socket)
                << " now";
        }
    }
}

TEST_F(KernelRangeLimits, K08_a_later_sysctl_change_voids_it_silently) {
    for (const PortWay& way : port_ways) {
        for (int family : {AF_INET, AF_INET6}) {
            set_ephemeral_range(20000, 29999);
            const Fd socket = socket_for(way, family);
            ASSERT_EQ(set_port_range(socket, 25000, 25009), success);
            set_ephemeral_range(40000, 40099);
            ASSERT_EQ(way.choose(socket, family), success) << way.name;
            EXPECT_GE(local_port(socket), 40000) << "K8: " << way.name << " kept to its range";
        }
    }
}

} // namespace
} // namespace portguard::test
