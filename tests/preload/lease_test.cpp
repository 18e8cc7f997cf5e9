// lease=on: a port that was picked stays the tree's (design 3.7).
#include <cerrno>
#include <set>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "preload/play.h"
#include "preload/syscall_counts.h"
#include "support/kernel_features.h"
#include "support/private_net.h"
#include "support/sockets.h"

namespace portguard::test {
namespace {

/// The one port of the range that bind to port 0 is given first, and connect last.
constexpr std::uint16_t picked = 20001;
constexpr std::uint16_t other_half = 20000;

const Environment leasing{"PORTGUARD_LEASE=on", "PORTGUARD_LEVEL=error"};

bool is_leased(std::uint16_t port = picked) {
    return port_is_in_state(port, TcpState::time_wait);
}

Outcome plain_bind(const Address& address) {
    return bind_to(tcp_socket(address.storage.ss_family), address);
}

class Lease : public PrivateNetTest {
protected:
    void SetUp() override {
        PrivateNetTest::SetUp();
        if (!IsSkipped() && !HasFatalFailure()) {
            set_ephemeral_range(other_half, picked);
        }
    }

    /// Makes a TIME_WAIT of an earlier script no matter for the next one.
    void next_ports() {
        first_ = static_cast<std::uint16_t>(first_ + 2);
        set_ephemeral_range(first_, port());
    }
    [[nodiscard]] std::uint16_t port() const { return static_cast<std::uint16_t>(first_ + 1); }

private:
    std::uint16_t first_ = other_half;
};

TEST_F(Lease, is_left_by_each_way_of_closing_that_is_seen_and_lets_the_tree_in) {
    PORTGUARD_NEEDS_MPTCP();
    for (const char* way : {"close a", "u = unix; dup2 u a", "listen a; close a", "listen a; vanish a",
                            "listen a", "set a reuseaddr 1; close a"}) {
        for (const char* socket : {"tcp4; bind a 127.0.0.1:0", "tcp4; bind a *:0", "tcp6; bind a [::1]:0",
                                   "tcp6; bind a [*]:0", "mptcp4; bind a *:0", "mptcp6; bind a [*]:0"}) {
            next_ports();
            const std::string script = std::string("a = ") + socket + "; " + way;
            const Played played = play(script, leasing);
            ASSERT_EQ(count_of(played.result.out, "-> ok"), count_of(played.result.out, "->"))
                << played.result;
            EXPECT_TRUE(is_leased(port())) << script;
            const int family = script.find("tcp6") == std::string::npos ? AF_INET : AF_INET6;
            EXPECT_EQ(plain_bind(wildcard(port(), family)), Outcome{EADDRINUSE}) << script;
            EXPECT_EQ(plain_bind(wildcard(0, family)), success);
            const std::string asks = std::to_string(port());
            const std::string bind = family == AF_INET ? "tcp4; bind b *:" : "tcp6; bind b [*]:";
            const Played guarded =
                play("b = " + bind + asks + "; listen b; c = " + (family == AF_INET ? "tcp4" : "tcp6") +
                         "; bind c " + (family == AF_INET ? "127.0.0.1" : "[::1]") + ":11000; connect c @b",
                     leasing);
            EXPECT_EQ(count_of(guarded.result.out, "-> ok"), 6U) << script << '\n' << guarded.result;
            const Fd flagged_one = flagged(tcp_socket(family));
            EXPECT_EQ(bind_to(flagged_one, wildcard(port(), family)), success) << script;
        }
    }
}

TEST_F(Lease, of_a_dual_stack_wildcard_covers_both_families) {
    play("a = tcp6; bind a [*]:0; close a", leasing);
    EXPECT_EQ(plain_bind(loopback(picked)), Outcome{EADDRINUSE});
    EXPECT_EQ(plain_bind(loopback(picked, AF_INET6)), Outcome{EADDRINUSE});
    next_ports();
    play("a = tcp6; set a v6only 1; bind a [*]:0; close a", leasing);
    EXPECT_EQ(plain_bind(loopback(port())), success) << "IPV6_V6ONLY";
    EXPECT_EQ(plain_bind(loopback(port(), AF_INET6)), Outcome{EADDRINUSE});
}

TEST_F(Lease, is_made_by_the_same_process_and_asked_for_by_it) {
    const Played played = play("a = tcp4; bind a *:0; close a; b = tcp4; bind b *:20001; listen b", leasing);
    EXPECT_EQ(played.said("bind b"), "ok") << played.result;
    EXPECT_EQ(played.said("listen b"), "ok") << played.result;
}

TEST_F(Lease, is_not_made_of_a_socket_that_is_open_elsewhere_which_then_listens) {
    const Played copied =
        play("a = tcp4; bind a *:0; d = dup a; close a; listen d; inside d 20001 20001", leasing);
    EXPECT_EQ(copied.said("listen d"), "ok") << copied.result;
    EXPECT_EQ(copied.said("inside d"), "inside") << copied.result;
    const std::string program = "import os, socket, sys\n"
                                "a = socket.socket(); a.bind(('', 0))\n"
                                "r, w = os.pipe()\n"
                                "child = os.fork()\n"
                                "if child == 0:\n"
                                "    os.close(w); os.read(r, 1)\n"
                                "    a.listen()\n"
                                "    os._exit(a.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR))\n"
                                "a.close(); os.close(w)\n"
                                "sys.exit(os.waitpid(child, 0)[1])\n";
    const Finished forked = run({.argv = {"/usr/bin/python3", "-c", program}, .environment = leasing});
    EXPECT_TRUE(forked.exited_with(0)) << forked;
}

TEST_F(Lease, is_not_made_by_a_vfork_child_that_closes_its_copies_and_made_by_the_parent) {
    const std::string program = "import socket, subprocess\n"
                                "a = socket.socket(); a.bind(('', 0))\n"
                                "subprocess.run(['true'], close_fds=True)\n"
                                "a.close()\n";
    const Finished finished = run({.argv = {"/usr/bin/python3", "-c", program}, .environment = leasing});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_TRUE(is_leased());
}

TEST_F(Lease, is_not_made_of_what_the_program_chose_or_used) {
    play("a = tcp4; bind a *:20001; close a", leasing);
    EXPECT_FALSE(is_leased()) << "an explicit port";
    play("u = udp4; bind u *:0; close u", leasing);
    EXPECT_FALSE(is_leased()) << "UDP";
    play("c = tcp4; bind c 127.0.0.1:0; connect c 127.0.0.1:9; close c", leasing);
    EXPECT_FALSE(is_leased()) << "a port that a refused connection has given up";
    play("a = tcp4; bind a *:0; vanish a; b = tcp4; bind b *:20001; close b", leasing);
    EXPECT_FALSE(is_leased()) << "another socket under the number";
    const Played kept = play("a = tcp4; bind a *:0; dup2 99 a; inside a 20001 20001; listen a", leasing);
    EXPECT_EQ(kept.said("dup2 99 a"), "EBADF");
    EXPECT_EQ(kept.said("inside a"), "inside") << kept.result;
}

TEST_F(Lease, is_made_in_enforce_only_and_off_by_default) {
    for (const Environment& environment : {Environment{}, Environment{"PORTGUARD_LEASE=off"},
                                           Environment{"PORTGUARD_LEASE=on", "PORTGUARD_MODE=observe"},
                                           Environment{"PORTGUARD_LEASE=on", "PORTGUARD_MODE=off"}}) {
        play("a = tcp4; bind a *:0; close a; b = tcp4; bind b *:0; listen b; close b", environment);
        EXPECT_EQ(plain_bind(wildcard(picked)), success);
    }
}

TEST_F(Lease, is_of_half_the_range_at_most_unless_all_is_asked_for) {
    const Fd taken = listener(wildcard(picked));
    play("a = tcp4; bind a *:0; close a; b = tcp4; listen b", leasing);
    EXPECT_FALSE(is_leased(other_half));
    play("a = tcp4; bind a *:0; close a", {"PORTGUARD_LEASE=all"});
    EXPECT_TRUE(is_leased(other_half));
}

TEST_F(Lease, is_of_the_plan_s_own_ports_where_those_are_picked) {
    const Environment environment{"PORTGUARD_LISTEN=9000-9001", "PORTGUARD_PORT_ZERO=listen",
                                  "PORTGUARD_LEASE=on"};
    const Played played = play("a = tcp4; bind a *:0; inside a 9001 9001; close a; b = tcp4; bind b "
                               "*:9001; listen b; c = tcp4; bind c *:0; inside c 9000 9000",
                               environment);
    EXPECT_EQ(played.said("inside a"), "inside") << played.result;
    EXPECT_EQ(played.said("listen b"), "ok") << played.result;
    EXPECT_EQ(played.said("inside c"), "inside") << played.result;
}

TEST_F(Lease, of_an_unguarded_binder_is_the_cause_that_a_guarded_one_reads) {
    play("a = tcp4; set a reuseaddr 1; bind a *:0; close a", leasing);
    // It chose the flag, so that there is no cure.
    const Played refused = play("b = tcp4; set b reuseaddr 0; bind b *:20001", {"PORTGUARD_BUDGET_MS=10000"});
    EXPECT_EQ(refused.said("bind b"), "EADDRINUSE");
    EXPECT_NE(refused.result.err.find("127.0.0.1:20001 is leased for "), std::string::npos) << refused.result;
}

TEST_F(Lease, keeps_no_descriptor_and_no_flag) {
    const std::string program = "import os, socket\n"
                                "before = os.listdir('/proc/self/fd')\n"
                                "for listens in (False, True):\n"
                                "    a = socket.socket(); number = a.fileno(); a.bind(('', 0))\n"
                                "    if listens:\n"
                                "        a.listen()\n"
                                "        assert a.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR) == 0\n"
                                "        a.setblocking(False)\n"
                                "        try:\n"
                                "            raise SystemExit(f'a connection from {a.accept()[1]}')\n"
                                "        except BlockingIOError:\n"
                                "            pass\n"
                                "    a.close()\n"
                                "    assert socket.socket().fileno() == number\n"
                                "assert os.listdir('/proc/self/fd') == before\n";
    set_ephemeral_range(20000, 20999);
    const Finished finished = run({.argv = {"/usr/bin/python3", "-c", program}, .environment = leasing});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
}

TEST_F(Lease, of_eight_processes_that_pick_under_a_client_load_none_is_picked_twice) {
    set_ephemeral_range(20000, 29999);
    const std::string program =
        "import os, socket, sys, threading\n"
        "server = socket.create_server(('127.0.0.1', 9000), backlog=4096)\n"
        "def answer():\n"
        "    while True: server.accept()[0].close()\n"
        "threading.Thread(target=answer, daemon=True).start()\n"
        "children = []\n"
        "for process in range(8):\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        for count in range(100):\n"
        "            a = socket.socket(); a.bind(('127.0.0.1', 0)); port = a.getsockname()[1]; a.close()\n"
        "            os.write(1, b'%d\\n' % port)\n"
        "            client = socket.create_connection(('127.0.0.1', 9000)); client.recv(1)\n"
        "            os.write(2, b'%d\\n' % client.getsockname()[1]); client.close()\n"
        "        os._exit(0)\n"
        "    children.append(child)\n"
        "sys.exit(max(os.waitpid(child, 0)[1] for child in children))\n";
    const Finished finished = run({.argv = {"/usr/bin/python3", "-c", program}, .environment = leasing});
    ASSERT_TRUE(finished.exited_with(0)) << finished;
    std::set<std::string> ports;
    std::istringstream lines(finished.out);
    for (std::string line; std::getline(lines, line);) {
        EXPECT_TRUE(ports.insert(line).second) << line << " was picked twice";
    }
    EXPECT_EQ(ports.size(), 800U);
}

TEST_F(Syscalls, a_bind_to_port_zero_that_is_leased_asks_for_no_more_and_a_client_s_close_for_its_state) {
    set_ephemeral_range(20000, 20999);
    EXPECT_EQ(added("a = tcp4; bind a *:0", leasing),
              (Counts{{"getpid", 1}, {"getsockname", 1}, {"getsockopt", 1}}));
    EXPECT_EQ(added("a = tcp4; bind a *:10000; close a; b = udp4; close b", leasing), nothing);
}

} // namespace
} // namespace portguard::test
