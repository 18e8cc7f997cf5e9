// port_zero=listen: where bind to port 0 finds its port, and when.
#include <string>

#include <gtest/gtest.h>

#include "preload/play.h"
#include "support/child.h"
#include "support/kernel_features.h"
#include "support/private_net.h"
#include "support/sockets.h"

namespace portguard::test {
namespace {

class PortZero : public PrivateNetTest {
protected:
    void SetUp() override {
        PrivateNetTest::SetUp();
        if (!IsSkipped() && !HasFatalFailure()) {
            // It does not meet `listen`: no range of a socket's own can put the port there.
            set_ephemeral_range(40000, 50000);
        }
    }

    Environment from_listen{"PORTGUARD_LISTEN=9000-9999", "PORTGUARD_PORT_ZERO=listen"};
    std::string listener = "l = tcp4; bind l *:9500; listen l; ";
};

TEST_F(PortZero, is_a_port_of_listen_for_who_asks_or_listens) {
    PORTGUARD_NEEDS_MPTCP();
    for (const char* socket : {"tcp4; bind a *:0", "tcp4; bind a 127.0.0.1:0", "tcp6; bind a [*]:0",
                               "mptcp4; bind a *:0", "udp4; bind a *:0", "udp6; bind a [::1]:0"}) {
        const Played asked = play(std::string("a = ") + socket + "; inside a 9000 9999", from_listen);
        EXPECT_EQ(asked.said("inside a"), "inside") << socket << '\n' << asked.result;
    }
    for (const char* socket : {"tcp4; bind a *:0", "tcp6; bind a [*]:0", "tcp4", "tcp6"}) {
        const Played listens = play(
            std::string("a = ") + socket + "; listen a; inside a 9000 9999; inside a 9000 9999", from_listen);
        EXPECT_EQ(listens.said("inside a", 1), "inside") << socket << '\n' << listens.result;
    }
    const Played copied = play("a = tcp4; bind a *:0; d = dup a; close a; inside d 9000 9999", from_listen);
    EXPECT_EQ(copied.said("inside d"), "inside") << copied.result;
}

TEST_F(PortZero, is_none_of_listen_for_a_client) {
    for (const char* close : {"", "c = tcp4; ", "c = udp4; bind c *:0; c = tcp4; "}) {
        const Played played =
            play(listener + close + "c = tcp4; bind c 127.0.0.1:0; connect c @l; inside c 40000 50000",
                 from_listen);
        EXPECT_EQ(played.said("connect c"), "ok");
        EXPECT_EQ(played.said("inside c"), "inside") << played.result;
    }
    const Played datagrams =
        play("u = udp4; bind u *:0; sendto u 127.0.0.1:9; inside u 40000 50000", from_listen);
    EXPECT_EQ(datagrams.said("inside u"), "inside") << datagrams.result;
}

TEST_F(PortZero, of_a_refused_or_dissolved_connection_is_released) {
    // The kernel's own choice, without us: another bind goes through.
    for (const bool with_shim : {false, true}) {
        const Environment environment = with_shim ? from_listen : Environment{"PORTGUARD_MODE=off"};
        const Played refused =
            play("c = tcp4; bind c *:0; connect c 127.0.0.1:9; bind c *:9001; listen c", environment);
        EXPECT_EQ(refused.said("connect c"), "ECONNREFUSED");
        EXPECT_EQ(refused.said("bind c *:9001"), "ok") << refused.result;
        EXPECT_EQ(refused.said("listen c"), "ok") << refused.result;
        const Played dissolved = play(listener + "c = tcp4; bind c *:0; connect c @l; connect c family:0:0; "
                                                 "bind c *:9002; listen c",
                                      environment);
        EXPECT_EQ(dissolved.said("bind c *:9002"), "ok") << dissolved.result;
        const Played datagrams = play(
            "u = udp4; bind u *:0; connect u 127.0.0.1:9; connect u family:0:0; inside u 0 0", environment);
        EXPECT_EQ(datagrams.said("inside u"), "inside") << datagrams.result;
    }
}

TEST_F(PortZero, is_chosen_once) {
    const Played played =
        play("a = tcp4; bind a *:0; bind a *:0; bind a *:9003; inside a 9000 9999; b = tcp4; bind b "
             "*:0; bind b *:9003; listen b",
             from_listen);
    EXPECT_EQ(played.said("bind a *:0", 1), "EINVAL") << played.result;
    EXPECT_EQ(played.said("bind a *:9003"), "EINVAL");
    EXPECT_EQ(played.said("bind b *:9003"), "EINVAL") << played.result;
    EXPECT_EQ(played.said("inside a"), "inside");
}

TEST_F(PortZero, is_no_concern_of_a_socket_that_was_never_bound_or_defers_it_by_itself) {
    const Played played =
        play("a = tcp4; bind a *:0; b = tcp4; inside b 0 0; c = tcp4; set c no_port 1; bind c *:0; "
             "inside c 0 0; get c no_port; d = tcp4; bind d *:0; get d no_port",
             from_listen);
    EXPECT_EQ(played.said("inside b"), "inside");
    EXPECT_EQ(played.said("inside c"), "inside") << played.result;
    EXPECT_EQ(played.said("get c"), "1");
    EXPECT_EQ(played.said("get d"), "0");
}

TEST_F(PortZero, two_processes_share_the_ports_of_listen_without_a_fight) {
    // The kernel's range does not meet `listen`, and there are exactly as many ports as both want.
    set_ephemeral_range(40000, 50000);
    const Environment environment{"PORTGUARD_LISTEN=9000-9039", "PORTGUARD_PORT_ZERO=listen"};
    std::string script = "wait; ";
    for (int index = 0; index < 20; ++index) {
        script += "a = tcp4; bind a *:0; listen a; inside a 9000 9039; ";
    }
    const test::Run one{.argv = {victim("socket_script"), script + "wait"}, .environment = environment};
    Background first(one);
    Background second(one);
    first.send("\n");
    second.send("\n");
    std::string lines[2];
    for (int line = 0; line < 1 + 20 * 4; ++line) {
        lines[0] += first.read_line() + "\n";
        lines[1] += second.read_line() + "\n";
    }
    EXPECT_EQ(count_of(lines[0], "-> inside"), 20U) << lines[0];
    EXPECT_EQ(count_of(lines[1], "-> inside"), 20U) << lines[1];
    const Played third =
        play("a = tcp4; bind a *:0; listen a; u = udp4; bind u *:0; inside u 9000 9039", environment);
    EXPECT_EQ(third.said("listen a"), "EADDRINUSE");
    EXPECT_NE(third.result.err.find("no port left (EADDRINUSE)"), std::string::npos) << third.result;
    EXPECT_EQ(third.said("inside u"), "inside") << "UDP has ports of its own";
    const Played fourth = play("a = tcp4; bind a *:0; inside a 0 0", environment);
    EXPECT_EQ(fourth.said("inside a"), "inside") << "none";
    EXPECT_NE(fourth.result.err.find("no port left (EADDRINUSE)"), std::string::npos) << fourth.result;
}

TEST_F(PortZero, forked_processes_spread_over_the_ports_of_listen) {
    set_ephemeral_range(40000, 50000);
    const Environment environment{"PORTGUARD_LISTEN=9000-9999", "PORTGUARD_PORT_ZERO=listen"};
    int lower_half = 0;
    constexpr int processes = 40;
    for (int process = 0; process < processes; ++process) {
        lower_half +=
            play("a = tcp4; bind a *:0; inside a 9000 9499", environment).said("inside a") == "inside" ? 1
                                                                                                       : 0;
    }
    // 1 in 10^9 that chance alone does this.
    EXPECT_GT(lower_half, 2);
    EXPECT_LT(lower_half, processes - 2);
}

TEST_F(PortZero, a_port_that_may_not_be_bound_is_passed_over) {
    set_sysctl("ipv4/ip_unprivileged_port_start", "9005");
    const Played played{run({.argv = {victim("socket_script"), "a = tcp4; bind a *:0; inside a 9005 9006"},
                             .environment = {"PORTGUARD_LISTEN=9000-9006", "PORTGUARD_PORT_ZERO=listen"},
                             .before_exec = [] { become_user(65534); }})};
    EXPECT_EQ(played.said("inside a"), "inside") << played.result;
}

} // namespace
} // namespace portguard::test
