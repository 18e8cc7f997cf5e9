// bind under a plan: design 3.1 to 3.3.
#include <gtest/gtest.h>

#include "preload/play.h"
#include "support/kernel_features.h"
#include "support/private_net.h"

namespace portguard::test {
namespace {

class Bind : public PrivateNetTest {};

TEST_F(Bind, an_explicit_port_outside_listen_and_ephemeral_is_refused_and_told) {
    const Played played =
        play("a = tcp4; bind a *:30000; b = tcp6; bind b [*]:30000; c = udp4; bind c *:30000", plan);
    EXPECT_EQ(played.said("bind a"), "EACCES");
    EXPECT_EQ(played.said("bind b"), "EACCES");
    EXPECT_EQ(played.said("bind c"), "EADDRINUSE") << "on which a resolver tries another port";
    EXPECT_NE(played.result.err.find("bind tcp 0.0.0.0:30000: refused (EACCES): outside listen=10000-19999"),
              std::string::npos)
        << played.result;
    EXPECT_NE(played.result.err.find("bind udp 0.0.0.0:30000: refused (EADDRINUSE)"), std::string::npos)
        << played.result;
}

TEST_F(Bind, a_tcp_socket_under_the_number_of_another_kind_is_guarded_as_such) {
    for (const char* kind : {"unix", "netlink"}) {
        const Played played =
            play(std::string("o = ") + kind +
                     "; t = tcp4; dup2 t o; bind o *:30000; bind o *:10000; listen o; get o reuseaddr",
                 plan);
        EXPECT_EQ(played.said("bind o *:30000"), "EACCES") << played.result;
        EXPECT_EQ(played.said("bind o *:10000"), "ok") << played.result;
        EXPECT_EQ(played.said("get o"), "1") << played.result;
    }
}

TEST_F(Bind, each_refusal_is_told_in_one_line_where_lines_are_asked_for) {
    const Played played =
        play("a = tcp4; bind a *:30000; b = tcp6; bind b [*]:30001; c = udp4; bind c *:30002",
             plan_with({"PORTGUARD_DIAGNOSIS=line"}));
    EXPECT_EQ(count_of(played.result.err, "\n"), 3U) << played.result;
    EXPECT_EQ(count_of(played.result.err, "): outside listen=10000-19999"), 3U) << played.result;
}

TEST_F(Bind, of_udp_ports_that_are_drawn_one_refusal_is_told) {
    const Played played = play("a = udp4; bind a *:30000; bind a *:30001; b = udp4; bind b *:30002; "
                               "c = tcp4; bind c *:30003; bind c *:30004",
                               plan_with({"PORTGUARD_DIAGNOSIS=line"}));
    EXPECT_EQ(played.said("bind b *:30002"), "EADDRINUSE") << played.result;
    EXPECT_EQ(count_of(played.result.err, "bind udp "), 1U) << played.result;
    EXPECT_EQ(count_of(played.result.err, "bind tcp "), 2U) << "a server asks for its own: " << played.result;
}

TEST_F(Bind, ports_of_listen_pass_in_silence) {
    const Played played = play("a = tcp4; bind a *:10000; listen a; b = tcp6; bind b [::1]:19999; listen b; "
                               "c = udp4; bind c *:10000",
                               plan);
    EXPECT_EQ(count_of(played.result.out, "-> ok"), 8U) << played.result;
    EXPECT_EQ(played.result.err, "");
}

TEST_F(Bind, the_errno_of_a_refusal_is_the_configured_one) {
    for (const char* name : {"EACCES", "EPERM", "EADDRNOTAVAIL", "EADDRINUSE"}) {
        const std::string option = std::string("PORTGUARD_DENY_ERRNO=") + name;
        const Played played = play("a = tcp4; bind a *:30000; bind a *:10000", plan_with({option.c_str()}));
        EXPECT_EQ(played.said("bind a *:30000"), name);
        EXPECT_EQ(played.said("bind a *:10000"), "ok") << "a refused socket is as it was";
    }
}

TEST_F(Bind, observe_refuses_nothing_and_says_what_enforce_would_have_done) {
    PORTGUARD_NEEDS_PORT_RANGE();
    const Played played =
        play("a = tcp4; bind a *:30000; listen a; get a reuseaddr; c = tcp4; connect c @a; get c "
             "reuseaddr; get c range",
             plan_with({"PORTGUARD_MODE=observe"}));
    EXPECT_EQ(played.said("bind a"), "ok");
    EXPECT_EQ(played.said("get a reuseaddr"), "0");
    EXPECT_EQ(played.said("get c reuseaddr"), "0");
    EXPECT_EQ(played.said("get c range"), "0");
    EXPECT_EQ(count_of(played.result.err, "refused"), 1U) << played.result;
}

TEST_F(Bind, an_explicit_port_inside_ephemeral_passes_in_silence) {
    PORTGUARD_NEEDS_MPTCP();
    const Played played = play("a = udp4; bind a *:45000; b = udp6; bind b [*]:45001; c = tcp4; bind c "
                               "*:45002; d = tcp6; bind d [::1]:45003; e = mptcp4; bind e *:45004",
                               plan);
    EXPECT_EQ(count_of(played.result.out, "-> ok"), 10U) << played.result;
    EXPECT_EQ(played.result.err, "");
}

TEST_F(Bind, unspec_with_any_counts_as_ipv4) {
    EXPECT_EQ(play("a = tcp4; bind a family:0:30000", plan).said("bind a"), "EACCES");
    EXPECT_EQ(play("a = tcp4; bind a family:0:10000", plan).said("bind a"), "ok");
}

TEST_F(Bind, a_udp_port_outside_the_plan_is_one_line_of_information) {
    const std::string script = "u = udp4; bind u *:30000; v = udp4; bind v *:30001";
    const Played played = play(script, plan);
    EXPECT_EQ(played.said("bind v"), "EADDRINUSE");
    EXPECT_NE(played.result.err.find("bind udp 0.0.0.0:30000: refused (EADDRINUSE): outside listen="),
              std::string::npos)
        << played.result;
    EXPECT_EQ(count_of(played.result.err, "\n"), 1U) << played.result;
    EXPECT_EQ(play(script, plan_with({"PORTGUARD_LEVEL=warn"})).result.err, "");
}

TEST_F(Bind, what_the_kernel_would_not_take_is_left_to_the_kernel) {
    const Played played = play("bind -1 *:30000; bind 0 *:30000; a = tcp4; bind a *:30000 len=15; b = unix; "
                               "bind b unix:@x20000; bind a null; bind a ptr:1; bind a ptr:-1",
                               plan);
    EXPECT_EQ(played.said("bind -1"), "EBADF");
    EXPECT_EQ(played.said("bind 0"), "ENOTSOCK");
    EXPECT_EQ(played.said("bind a *:30000 len=15"), "EINVAL");
    EXPECT_EQ(played.said("bind b"), "ok");
    EXPECT_EQ(played.said("bind a null"), "EFAULT");
    EXPECT_EQ(played.said("bind a ptr:1"), "EFAULT");
    EXPECT_EQ(played.said("bind a ptr:-1"), "EFAULT");
    EXPECT_EQ(count_of(played.result.err, "portguard: "), 1U) << played.result;
    EXPECT_EQ(count_of(played.result.err, "invalid (EINVAL): the program passed 15 bytes"), 1U)
        << played.result;
}

TEST_F(Bind, of_a_socket_that_is_bound_or_connected_is_told_as_what_it_is) {
    for (const Environment& environment : {Environment{}, plan, plan_with({"PORTGUARD_MODE=observe"})}) {
        const Played twice = play("a = tcp4; bind a 127.0.0.1:10001; bind a 127.0.0.1:10002", environment);
        EXPECT_EQ(twice.said("bind a 127.0.0.1:10002"), "EINVAL");
        EXPECT_EQ(
            count_of(twice.result.err, "invalid (EINVAL): this socket is bound to 127.0.0.1:10001 already"),
            1U)
            << twice.result;
    }
    const Played line =
        play("a = tcp4; bind a 127.0.0.1:10001; bind a 127.0.0.1:10002", {"PORTGUARD_DIAGNOSIS=line"});
    EXPECT_EQ(count_of(line.result.err, "bind tcp 127.0.0.1:10002: invalid (EINVAL)\n"), 1U) << line.result;
}

TEST_F(Bind, a_group_that_is_joined_twice_is_told_of_no_port_and_leaves_errno_alone) {
    const Played played{run({.argv = {"/usr/bin/python3", "-c", R"(
from socket import *
import errno
joins = ((AF_INET, IPPROTO_IP, 35, inet_aton("224.0.0.251") + inet_aton("127.0.0.1")),
         (AF_INET6, IPPROTO_IPV6, 20, inet_pton(AF_INET6, "ff02::fb") + (1).to_bytes(4, "little")))
for family, level, option, value in joins:
    s = socket(family, SOCK_DGRAM)
    s.setsockopt(level, option, value)
    try: s.setsockopt(level, option, value)
    except OSError as error: print(errno.errorcode[error.errno]))"}})};
    EXPECT_EQ(played.result.out, "EADDRINUSE\nEADDRINUSE\n") << played.result;
    EXPECT_EQ(count_of(played.result.err, "setsockopt udp 224.0.0.251: joined already (EADDRINUSE): "), 1U)
        << played.result;
    EXPECT_EQ(count_of(played.result.err, "no port is in use"), count_of(played.result.err, "\n"))
        << played.result;
}

TEST_F(Bind, port_zero_stays_inside_ephemeral) {
    set_ephemeral_range(10000, 60000);
    for (const char* socket : {"tcp4; bind a *:0", "tcp6; bind a [*]:0", "tcp4; bind a 127.0.0.1:0",
                               "tcp4; listen a", "tcp6; listen a"}) {
        std::string script;
        for (int round = 0; round < 40; ++round) {
            script += std::string("a = ") + socket + "; inside a 40000 50000; ";
        }
        const Played played = play(script, plan);
        EXPECT_EQ(count_of(played.result.out, "-> inside"), 40U) << socket << '\n' << played.result;
    }
}

TEST_F(Bind, a_failed_bind_is_told_with_its_reason) {
    const Played played =
        play("a = tcp4; bind a 192.0.2.1:10000; b = tcp4; bind b *:10001; c = tcp4; bind c *:10001", plan);
    EXPECT_EQ(played.said("bind a"), "EADDRNOTAVAIL");
    EXPECT_EQ(played.said("bind c"), "EADDRINUSE");
    EXPECT_NE(played.result.err.find("no such address here (EADDRNOTAVAIL)"), std::string::npos)
        << played.result;
    EXPECT_NE(played.result.err.find("in use (EADDRINUSE)"), std::string::npos) << played.result;
}

} // namespace
} // namespace portguard::test
