// "Extra syscalls on success" of design 5 for the outgoing side, by each method of 3.4.
#include <gtest/gtest.h>

#include "preload/syscall_counts.h"
#include "support/kernel_features.h"

namespace portguard::test {
namespace {

const std::string listener = "l = tcp4; bind l *:10000; listen l";

class OutgoingSyscalls : public Syscalls {
protected:
    void SetUp() override {
        Syscalls::SetUp();
        if (!IsSkipped() && !HasFatalFailure()) {
            set_ephemeral_range(10000, 60000);
        }
    }
};

TEST_F(OutgoingSyscalls, by_socket_each_choice_of_a_port_costs_one) {
    PORTGUARD_NEEDS_PORT_RANGE();
    const Environment socket = plan_with({"PORTGUARD_RANGE_METHOD=socket"});
    const Counts one{{"setsockopt", 1}};
    EXPECT_EQ(added("c = tcp4; connect c @l; close c", socket, listener), one);
    const Counts two{{"setsockopt", 1}, {"getsockname", 1}};
    EXPECT_EQ(added("c = tcp4; bind c *:0; connect c @l", socket, listener), two);
    EXPECT_EQ(added("a = tcp4; bind a *:0; listen a", socket), two);
    EXPECT_EQ(added("a = tcp4; listen a", socket), one);
    EXPECT_EQ(added("u = udp4; connect u 127.0.0.1:9; sendto u 127.0.0.1:9; close u", socket), one);
    EXPECT_EQ(added("u = udp6; bind u [*]:0; connect u [::1]:9; connect u [::1]:10; close u", socket), two);
}

TEST_F(OutgoingSyscalls, by_bind_a_connect_costs_getsockname_and_its_probe) {
    const Environment bind = plan_with({"PORTGUARD_RANGE_METHOD=bind"});
    const Counts search{{"getsockname", 1}, {"bind", 1}};
    EXPECT_EQ(added("c = tcp4; connect c @l; close c", bind, listener), search);
    EXPECT_EQ(added("c = tcp6; connect c [::ffff:127.0.0.1]:10000; close c", bind, listener), search);
    EXPECT_EQ(added("u = udp4; connect u 127.0.0.1:9; close u", bind), search);
    EXPECT_EQ(added("a = tcp4; listen a; close a", bind), search);
    EXPECT_EQ(added("u = udp4; sendto u 127.0.0.1:9; close u", bind), nothing);
}

TEST_F(OutgoingSyscalls, port_zero_by_bind_asks_for_one_option_before_its_probe) {
    EXPECT_EQ(added("a = tcp4; bind a *:0; close a", plan_with({"PORTGUARD_RANGE_METHOD=bind"})),
              (Counts{{"getsockopt", 1}, {"getsockname", 1}}));
}

TEST_F(OutgoingSyscalls, a_deferred_port_costs_four_and_its_choice_two_more_than_getsockname) {
    const Environment from_listen = plan_with({"PORTGUARD_PORT_ZERO=listen"});
    EXPECT_EQ(added("a = tcp4; bind a *:0; close a", from_listen),
              (Counts{{"getsockopt", 2}, {"setsockopt", 2}}));
    EXPECT_EQ(added("a = tcp4; bind a *:0; listen a; close a", from_listen),
              (Counts{{"getsockopt", 2}, {"setsockopt", 2}, {"getsockname", 1}, {"bind", 1}}));
    EXPECT_EQ(added("a = tcp4; bind a *:0; inside a 1 65535; close a", from_listen),
              (Counts{{"getsockopt", 3}, {"setsockopt", 2}, {"getsockname", 1}, {"bind", 1}}));
    EXPECT_EQ(added("a = tcp4; set a reuseaddr 1; bind a *:0; listen a; close a", from_listen),
              (Counts{{"getsockopt", 3}, {"setsockopt", 4}, {"getsockname", 1}, {"bind", 1}}))
        << "the flag is put aside meanwhile";
}

TEST_F(OutgoingSyscalls, courtesy_costs_two_and_taking_it_back_two) {
    const Environment off = plan_with({"PORTGUARD_RANGE_METHOD=off"});
    EXPECT_EQ(added("c = tcp4; connect c @l; close c", off, listener),
              (Counts{{"getsockopt", 1}, {"setsockopt", 1}}));
    EXPECT_EQ(added("c = tcp4; connect c @l; connect c family:0:0", off, listener),
              (Counts{{"getsockopt", 2}, {"setsockopt", 2}}));
    EXPECT_EQ(added("u = udp4; connect u 127.0.0.1:9; a = tcp4; bind a *:0; listen a", off),
              (Counts{{"getsockname", 1}}));
}

TEST_F(OutgoingSyscalls, a_destination_inside_the_range_costs_one_and_its_address_three_once) {
    PORTGUARD_NEEDS_PORT_RANGE();
    set_ephemeral_range(40000, 50000);
    const std::string inside = "l = tcp4; set l range 0xC350C350; bind l *:0; listen l";
    EXPECT_EQ(added("c = tcp4; connect c 127.0.0.1:50000; close c", plan, inside),
              (Counts{{"setsockopt", 1}}));
    add_address_to_lo("10.1.2.3");
    EXPECT_EQ(added("c = tcp4; connect c 10.1.2.3:50000; d = tcp4; connect d 10.1.2.3:50000", plan, inside),
              (Counts{{"setsockopt", 2}, {"socket", 1}, {"bind", 1}, {"close", 1}}));
    const std::string unseen = "o = unix; t = tcp4; dup2 t o; connect o 10.1.2.3:50000";
    EXPECT_EQ(added(unseen, plan, inside), nothing) << "what is not steered has nothing to avoid";
}

} // namespace
} // namespace portguard::test
