// One test a cause: the real condition in the kernel, and what the report says of it.
#include <csignal>
#include <cstddef>
#include <span>
#include <string>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "explain/cause_fixture.h"
#include "kernel/sock_diag.h"
#include "support/kernel_features.h"
#include "support/waiting.h"

namespace portguard::test {
namespace {

class CauseOf : public CauseTest {};

TEST_F(CauseOf, AListenerOfAnotherProgram) {
    const OtherProgram other("l=socket();l.bind(('127.0.0.1',10000));l.listen()");
    EXPECT_EQ(cause_for(loopback(port)), "listener_other_program");
    EXPECT_TRUE(advises("kill " + std::to_string(other.pid()))) << written;
    EXPECT_TRUE(rests_on("listens on 127.0.0.1:10000")) << written;
}

TEST_F(CauseOf, AListenerOfTheSameProgram) {
    const ParkedChild other([] { static Fd kept = listener(loopback(port)); });
    EXPECT_EQ(cause_for(loopback(port)), "listener_same_program");
}

/// A child of a process that listens on `port` and ends: it becomes `child`.
pid_t left_behind(std::uint16_t port, void (*child)(const Fd& server)) {
    int ready[2];
    EXPECT_EQ(pipe(ready), 0);
    const pid_t parent = fork();
    if (parent == 0) {
        setsid();
        const Fd server = listener(loopback(port));
        const pid_t orphan = fork();
        if (orphan == 0) {
            child(server);
        }
        write(ready[1], &orphan, sizeof orphan);
        _exit(0);
    }
    pid_t orphan = 0;
    EXPECT_EQ(read(ready[0], &orphan, sizeof orphan), static_cast<ssize_t>(sizeof orphan));
    waitpid(parent, nullptr, 0);
    close(ready[0]);
    close(ready[1]);
    return orphan;
}

void become_sleep(const Fd& server) {
    fcntl(server.get(), F_SETFD, 0);
    execl("/usr/bin/sleep", "sleep", "600", nullptr);
    _exit(127);
}

TEST_F(CauseOf, AListenerThatAChildInherited) {
    const pid_t child = left_behind(port, become_sleep);
    EXPECT_TRUE(eventually([child] { return comm_of(child) == "sleep" && has_loaded_libc(child); }));
    EXPECT_EQ(cause_for(loopback(port)), "inherited_listener") << written;
    EXPECT_TRUE(rests_on("imports listen(2)")) << written;
    EXPECT_TRUE(advises("kill " + std::to_string(child))) << written;
    kill(child, SIGKILL);
}

TEST_F(CauseOf, AListenerThatHasOutlivedItsParentAndCouldHaveOpenedItsSocket) {
    const pid_t child = left_behind(port, [](const Fd&) { pause(); });
    EXPECT_EQ(cause_for(loopback(port)), "listener_same_program") << written;
    EXPECT_FALSE(has("inherited from")) << written;
    kill(child, SIGKILL);
}

TEST_F(CauseOf, AListenerOfTheProcessThatStartedTheAsker) {
    Fd server = listener(loopback(port));
    const std::string text = in_child([&] {
        server.reset();
        const std::string told = cause_and_sentence(tcp_socket(), loopback(port));
        return told + (advises("kill") ? "; kill" : "");
    });
    EXPECT_TRUE(text.starts_with("listener_ancestor: ")) << text;
    EXPECT_NE(text.find("the parent of this process"), std::string::npos) << text;
    EXPECT_EQ(text.find("kill"), std::string::npos) << text;
}

TEST_F(CauseOf, AWildcardAgainstASingleAddress) {
    const ParkedChild other([] { static Fd kept = listener(flagged(tcp_socket()), wildcard(port)); });
    const Fd socket = flagged(tcp_socket());
    EXPECT_EQ(cause(socket, loopback(port)), "wildcard_and_specific");
}

TEST_F(CauseOf, AnIPv6WildcardAgainstIPv4) {
    const ParkedChild other([] { static Fd kept = listener(wildcard(port, AF_INET6)); });
    EXPECT_EQ(cause_for(loopback(port)), "ipv6_wildcard");
    EXPECT_TRUE(has("IPV6_V6ONLY"));
}

TEST_F(CauseOf, ASecondListen) {
    const Fd mine = flagged(tcp_socket());
    ASSERT_EQ(bind_to(mine, loopback(port)), success);
    const ParkedChild first([] {
        static Fd kept = flagged(tcp_socket());
        bind_to(kept, loopback(port));
        listen_on(kept);
    });
    ASSERT_EQ(listen_on(mine), Outcome{EADDRINUSE});
    FailedCall report(mine, loopback(port));
    report.snapshot.call = Call::listen;
    report.forget_address();
    EXPECT_EQ(reported_cause(report), "second_listen");
}

TEST_F(CauseOf, ReuseportOfAnotherUser) {
    const ParkedChild other([] {
        become_user(65534);
        static Fd kept = tcp_socket();
        set_option(kept, SOL_SOCKET, SO_REUSEPORT, 1);
        bind_to(kept, loopback(port));
        listen_on(kept);
    });
    const Fd socket = tcp_socket();
    set_option(socket, SOL_SOCKET, SO_REUSEPORT, 1);
    EXPECT_EQ(cause(socket, loopback(port)), "reuseport_other_user");
}

TEST_F(CauseOf, ThisVeryProcess) {
    const Fd server = listener(loopback(port));
    EXPECT_EQ(cause_for(loopback(port)), "self");
    EXPECT_TRUE(has("fd " + std::to_string(server.get())));
}

TEST_F(CauseOf, ASocketThatIsOnlyBound) {
    const ParkedChild other([] {
        static Fd kept = tcp_socket();
        bind_to(kept, loopback(port));
    });
    EXPECT_EQ(cause_for(loopback(port)), kernel_shows_bound_sockets() ? "bound_only" : "unseen_holder");
}

TEST_F(CauseOf, APortguardHold) {
    const ParkedChild other([] {
        static Fd kept = flagged(tcp_socket());
        set_option(kept, SOL_IP, IP_TOS, hold_tos);
        bind_to(kept, loopback(port));
    });
    EXPECT_EQ(cause_for(loopback(port)), kernel_shows_bound_sockets() ? "reserved_by_hold" : "unseen_holder");
}

TEST_F(CauseOf, AUdpHolder) {
    const ParkedChild other([] {
        static Fd kept = udp_socket();
        bind_to(kept, loopback(port));
    });
    const Fd socket = udp_socket();
    EXPECT_EQ(cause(socket, loopback(port)), "udp_holder");
}

TEST_F(CauseOf, AnOutgoingConnection) {
    constexpr std::uint16_t chosen = 40000;
    const Fd server = listener(loopback(7000));
    const ParkedChild other([] {
        static Fd kept = tcp_socket();
        bind_to(kept, loopback(chosen));
        connect_to(kept, loopback(7000));
    });
    EXPECT_EQ(cause_for(loopback(chosen)), "outgoing_connection");
    EXPECT_TRUE(has("portguard rescue 40000")) << written;
    EXPECT_TRUE(has("ip_local_reserved_ports=40000")) << written;
    EXPECT_TRUE(advises("ip_local_port_range=\"40002 60999\"")) << written;
}

TEST_F(CauseOf, AnOutgoingConnectionToAServerThatIsInTheRangeItself) {
    constexpr std::uint16_t chosen = 40000;
    const Fd server = listener(loopback(50000));
    const ParkedChild other([] {
        static Fd kept = tcp_socket();
        bind_to(kept, loopback(chosen));
        connect_to(kept, loopback(50000));
    });
    EXPECT_EQ(cause_for(loopback(chosen)), "outgoing_connection");
}

TEST_F(CauseOf, TimeWaitOfAnOutgoingConnection) {
    constexpr std::uint16_t chosen = 40000;
    const Fd server = listener(loopback(7000));
    Fd client = tcp_socket();
    ASSERT_EQ(bind_to(client, loopback(chosen)), success);
    Connection connection = connect_pair(server, std::move(client));
    into_time_wait(std::move(connection.client), std::move(connection.server));
    EXPECT_EQ(cause_for(loopback(chosen)), "outgoing_time_wait");
}

TEST_F(CauseOf, TimeWaitOfAnEarlierRun) {
    Connection connection = connect_pair(listener(loopback(port)));
    into_time_wait(std::move(connection.server), std::move(connection.client));
    EXPECT_EQ(cause_for(loopback(port)), "own_time_wait");
    EXPECT_TRUE(advises("portguard who --wait=")) << written;
    EXPECT_EQ(advises("portguard rescue --time-wait 10000"), kernel_destroys_time_wait()) << written;
}

TEST_F(CauseOf, AConnectionThatOutlivesItsServer) {
    const ParkedChild server([] {
        static Connection kept = connect_pair(listener(loopback(port)));
        kept.client.reset();
    });
    EXPECT_EQ(cause_for(loopback(port)), "dying_server");
    EXPECT_TRUE(has("CLOSE_WAIT")) << written;
}

TEST_F(CauseOf, AHolderThatHasVanished) {
    const Fd socket = tcp_socket();
    const Address address = loopback(port);
    EXPECT_EQ(reported_cause(FailedCall(socket, address)), "vanished");
}

void use_filter(std::span<const sock_filter> filter) {
    const sock_fprog program{static_cast<unsigned short>(filter.size()),
                             const_cast<sock_filter*>(filter.data())};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/// As a sandbox does that knows of no AF_NETLINK.
void forbid_netlink() {
    const sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    use_filter(filter);
}

/// As redis-server's unit of Debian does for calls that it does not know.
void kill_for_what_redis_never_calls() {
    const sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_getfd, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mincore, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    use_filter(filter);
}

TEST_F(CauseOf, UnderASandboxThatKills) {
#if PORTGUARD_SANITIZED
    GTEST_SKIP() << "a sanitizer's run-time makes such calls of its own";
#endif
    const Fd server = listener(loopback(port));
    const Fd socket = tcp_socket();
    FailedCall report(socket, loopback(port));
    report.before_exec = kill_for_what_redis_never_calls;
    EXPECT_EQ(reported_cause(report), "self");
    EXPECT_TRUE(has("SO_REUSEADDR of the holders (a seccomp filter kills whoever asks)")) << written;
}

TEST_F(CauseOf, WhatCouldNotBeSeen) {
    const Fd socket = tcp_socket();
    FailedCall report(socket, loopback(port));
    report.before_exec = forbid_netlink;
    EXPECT_EQ(reported_cause(report), "unknown");
    EXPECT_TRUE(has("(EPERM)")) << written;
}

TEST_F(CauseOf, EventsWithoutAHolder) {
    Text<100> why;
    ASSERT_TRUE(parse_port_set("5000-9999", config.listen, why));
    config.has_listen = true;
    const std::pair<EventKind, const char*> expected[] = {
        {EventKind::refused, "outside_plan"},   {EventKind::ephemeral_listener, "ephemeral_range"},
        {EventKind::exhausted, "no_port_left"}, {EventKind::unavailable, "no_such_address"},
        {EventKind::privileged, "sandbox"},     {EventKind::injected, "injected"},
    };
    const Fd socket = tcp_socket();
    const Address address = loopback(port);
    for (const auto& [kind, cause] : expected) {
        FailedCall report(socket, address);
        report.snapshot.kind = kind;
        EXPECT_EQ(reported_cause(report), cause);
        EXPECT_TRUE(event["holders"].empty());
    }
}

} // namespace
} // namespace portguard::test
