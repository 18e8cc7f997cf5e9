// `portguard who`: holders, verdict and waiting.
#include <algorithm>
#include <cerrno>
#include <stdexcept>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/support/port_command.h"

namespace portguard::test {
namespace {

class Who : public PortCommand {};

TEST_F(Who, SaysThatAFreePortIsFree) {
    const Finished finished = portguard({"who", "10000"});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_NE(finished.out.find("a plain bind: would succeed"), std::string::npos) << finished;
}

TEST_F(Who, TellsApartWhatAFlagHelpsAgainst) {
    set_ephemeral_range(contested, contested);
    const Connection connection = connect_pair(listener(loopback(elsewhere)));
    ASSERT_EQ(set_reuseaddr(connection.client), success);
    const Finished finished = portguard({"who", "10000"});
    EXPECT_TRUE(finished.exited_with(1)) << finished;
    EXPECT_NE(finished.out.find("a plain bind: EADDRINUSE, with SO_REUSEADDR: would succeed"),
              std::string::npos)
        << finished;
    EXPECT_NE(finished.out.find("ESTABLISHED, SO_REUSEADDR on"), std::string::npos) << finished;
    EXPECT_NE(finished.out.find("outgoing connection"), std::string::npos) << finished;
    EXPECT_TRUE(portguard({"who", "--with-reuseaddr", "10000"}).exited_with(0));
}

TEST_F(Who, LooksAtTheAddressThatIsNamed) {
    const Fd server = listener(address("127.0.0.2", contested));
    EXPECT_TRUE(portguard({"who", "10000"}).exited_with(1));
    EXPECT_TRUE(portguard({"who", "127.0.0.2:10000"}).exited_with(1));
    EXPECT_TRUE(portguard({"who", "127.0.0.1:10000"}).exited_with(0));
    EXPECT_TRUE(portguard({"who", "[::1]:10000"}).exited_with(0));
}

TEST_F(Who, KeepsTcpAndUdpApart) {
    const Fd socket = udp_socket();
    ASSERT_EQ(bind_to(socket, wildcard(contested)), success);
    for (const Words& words : {Words{"who", "--tcp", "10000"}, Words{"who", "10000/tcp"}}) {
        EXPECT_TRUE(portguard(words).exited_with(0));
    }
    for (const Words& words : {Words{"who", "--udp", "10000"}, Words{"who", "10000/udp"}}) {
        EXPECT_TRUE(portguard(words).exited_with(1));
    }
    const Finished finished = portguard({"who", "--udp", "--json", "10000"});
    EXPECT_TRUE(finished.exited_with(1)) << finished;
    EXPECT_EQ(json_of(finished)["cause"], "udp_holder") << finished;
}

TEST_F(Who, LooksAtBothProtocolsWhereNoneIsNamed) {
    const Fd socket = udp_socket();
    ASSERT_EQ(bind_to(socket, wildcard(contested)), success);
    const Finished finished = portguard({"who", "10000"});
    EXPECT_TRUE(finished.exited_with(1)) << finished;
    EXPECT_NE(finished.out.find("TCP port 10000 is free\n"), std::string::npos) << finished;
    EXPECT_NE(finished.out.find("UDP port 10000 is held\n"), std::string::npos) << finished;
    const std::string lines = portguard({"who", "--json", "10000"}).out;
    EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 2) << lines;
    const std::string free = portguard({"who", "10001"}).out;
    EXPECT_NE(free.find("UDP port 10001 is free\n"), std::string::npos) << free;
    EXPECT_EQ(json_of(portguard({"who", "--json", "10001"}))["protocol"], "tcp");
}

TEST_F(Who, IsSilentWhereOnlyTheStatusIsWanted) {
    const Fd server = listener(loopback(contested));
    const Finished held = portguard({"who", "-q", "10000"});
    EXPECT_TRUE(held.exited_with(1));
    EXPECT_EQ(held.out + held.err, "");
    EXPECT_TRUE(portguard({"who", "-q", "10001"}).exited_with(0));
}

TEST_F(Who, SaysWhatItWaitsForAndHowLong) {
    const Fd server = listener(loopback(contested));
    const Finished finished = portguard({"who", "--wait=50ms", "10000"});
    EXPECT_TRUE(finished.err.starts_with("portguard: waiting at most 50 ms for TCP port 10000, held by "))
        << finished;
    EXPECT_NE(finished.err.find("[" + std::to_string(::getpid()) + "] 127.0.0.1:10000 LISTEN\n"),
              std::string::npos)
        << finished;
    EXPECT_EQ(portguard({"who", "-q", "--wait=50ms", "10000"}).err, "");
    EXPECT_EQ(portguard({"who", "--wait=50ms", "10001"}).err, "") << "it need not wait";
}

TEST_F(Who, FoldsTheConnectionsThatAListenerAccepted) {
    const Fd server = listener(loopback(contested));
    std::vector<Connection> connections;
    for (int count = 0; count < 20; ++count) {
        connections.push_back(connect_pair(server));
    }
    const Finished finished = portguard({"who", "10000"});
    EXPECT_NE(finished.out.find("20 accepted connections of "), std::string::npos) << finished;
    EXPECT_LE(std::count(finished.out.begin(), finished.out.end(), '\n'), 10) << finished;
    const std::string all = portguard({"who", "-v", "10000"}).out;
    EXPECT_GE(std::count(all.begin(), all.end(), '\n'), 42) << all;
}

TEST_F(Who, SaysWhatElseTheProcessListensOn) {
    const Fd server = listener(loopback(contested));
    std::vector<Fd> others;
    for (std::uint16_t port = 20000; port < 20029; ++port) {
        others.push_back(listener(loopback(port)));
    }
    const Finished finished = portguard({"who", "10000"});
    // A long pid breaks the line before the ports.
    for (const char* const words : {"listens on 29 other ports as well:", "20000-20028"}) {
        EXPECT_NE(finished.out.find(words), std::string::npos) << finished;
    }
    const auto answer = json_of(portguard({"who", "--json", "10000"}));
    EXPECT_EQ(answer["also_listens"][0]["pid"], ::getpid());
    EXPECT_EQ(answer["also_listens"][0]["ports"], "20000-20028");
}

TEST_F(Who, ShowsTheWholeCommandLineWhereNoTerminalCutsIt) {
    const std::string words(300, 'x');
    ProcessSpec spec;
    spec.argv = {"/usr/bin/python3", "-c",
                 "import socket, time\ns = socket.create_server(('127.0.0.1', 10000))\nprint('ready', "
                 "flush=True)\ntime.sleep(60)",
                 words, "the-end"};
    Process server(spec);
    ASSERT_TRUE(eventually([&] { return server.out().starts_with("ready"); }));
    EXPECT_NE(portguard({"who", "10000"}).out.find(words + " the-end"), std::string::npos);
    EXPECT_NE(portguard({"who"}).out.find(words + " the-end"), std::string::npos);
}

TEST_F(Who, WaitsUntilABindWouldSucceed) {
    Fd server = listener(loopback(contested));
    Process waiting(command_spec({"who", "--wait=1h", "10000"}));
    EXPECT_EQ(waiting.out(), "");
    server.reset();
    const Finished finished = waiting.finish();
    EXPECT_TRUE(finished.exited_with(0)) << finished;
}

TEST_F(Who, AnswersWhatHoldsThePortWhenTheWaitIsOver) {
    const Fd server = listener(loopback(contested));
    const Finished finished = portguard({"who", "--wait=1ms", "10000"});
    EXPECT_TRUE(finished.exited_with(1)) << finished;
}

TEST_F(Who, LooksIntoTheNamespaceOfAProcess) {
    const Fd server = listener(loopback(contested));
    const ParkedChild inside([] {});
    const PrivateNet other;
    ASSERT_EQ(other.unavailable(), "");
    EXPECT_TRUE(portguard({"who", "10000"}).exited_with(0));
    EXPECT_TRUE(portguard({"who", "--netns", std::to_string(inside.pid()), "10000"}).exited_with(1));
}

/// Servers that start and end in a loop, in a process of their own, until this object is asked for those that
/// failed.
class StartingServer {
public:
    StartingServer() {
        if (pipe(stop_) != 0 || pipe(result_) != 0) {
            throw std::runtime_error("no pipe");
        }
        pid_ = fork();
        if (pid_ == 0) {
            close(stop_[1]);
            const int failures = run();
            _exit(write(result_[1], &failures, sizeof failures) == sizeof failures ? 0 : 1);
        }
        close(stop_[0]);
    }
    ~StartingServer() { waitpid(pid_, nullptr, 0); }
    StartingServer(const StartingServer&) = delete;
    StartingServer& operator=(const StartingServer&) = delete;

    int stop_and_count_failures() {
        close(stop_[1]);
        int failures = -1;
        return read(result_[0], &failures, sizeof failures) == sizeof failures ? failures : -1;
    }

private:
    int run() {
        int failures = 0;
        for (pollfd stop{stop_[0], POLLIN, 0}; poll(&stop, 1, 0) == 0;) {
            const Fd server = tcp_socket();
            failures += bind_to(server, loopback(contested)) == success ? 0 : 1;
        }
        return failures;
    }

    int stop_[2] = {};
    int result_[2] = {};
    pid_t pid_ = -1;
};

TEST_F(Who, IsNotInTheWayOfAServerThatStarts) {
    StartingServer server;
    for (int round = 0; round < 50; ++round) {
        const Finished finished = portguard({"who", "10000"});
        EXPECT_TRUE(finished.exited_with(0) || finished.exited_with(1)) << finished;
    }
    EXPECT_TRUE(portguard({"who", "--wait=10s", "10000"}).exited_with(0));
    EXPECT_EQ(server.stop_and_count_failures(), 0);
}

TEST_F(Who, BindsNoSocketToAPortThatNothingHolds) {
    {
        const Fd bound = tcp_socket();
        ASSERT_EQ(bind_to(bound, loopback(contested)), success);
        if (portguard({"who", "--json", "10000"}).out.find("BOUND") == std::string::npos) {
            PORTGUARD_SKIP("before Linux 6.8 a bound socket is not shown, and only a bind tells");
        }
    }
    ProcessSpec spec = command_spec({"who", "10000"});
    spec.argv.insert(spec.argv.begin(), {"/usr/bin/strace", "-f", "-e", "trace=bind"});
    const Finished finished = Process(spec).finish();
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_NE(finished.err.find("bind("), std::string::npos) << "the address is tried, with port 0";
    EXPECT_EQ(finished.err.find("htons(10000)"), std::string::npos) << finished.err;
}

TEST_F(Who, KnowsThatNoFlagHelpsAgainstAListenerOrASocketWithoutIt) {
    const Connection connection = connect_pair(flagged(listener(loopback(elsewhere))), [] {
        Fd client = tcp_socket();
        EXPECT_EQ(bind_to(client, loopback(contested)), success);
        return client;
    }());
    EXPECT_NE(portguard({"who", "10000"}).out.find("with SO_REUSEADDR: EADDRINUSE"), std::string::npos);
    ASSERT_EQ(set_reuseaddr(connection.client), success);
    EXPECT_NE(portguard({"who", "10000"}).out.find("with SO_REUSEADDR: would succeed"), std::string::npos);
    const Fd server = listener(flagged(tcp_socket()), loopback(contested));
    EXPECT_NE(portguard({"who", "10000"}).out.find("with SO_REUSEADDR: EADDRINUSE"), std::string::npos);
}

TEST_F(Who, AsksTheKernelAboutATimeWaitWhoseFlagNothingShows) {
    for (const bool flag : {false, true}) {
        const PrivateNet net;
        ASSERT_EQ(net.unavailable(), "");
        Fd server = listener(flag ? flagged(tcp_socket()) : tcp_socket(), loopback(contested));
        Connection connection = connect_pair(server);
        into_time_wait(std::move(connection.server), std::move(connection.client));
        server.reset();
        const Finished finished = portguard({"who", "127.0.0.1:10000"});
        EXPECT_NE(
            finished.out.find(flag ? "with SO_REUSEADDR: would succeed" : "with SO_REUSEADDR: EADDRINUSE"),
            std::string::npos)
            << finished;
    }
}

TEST_F(Who, SaysThatTheFlagOfAnothersBoundSocketIsNotKnown) {
    if (!can_become_another_user()) {
        PORTGUARD_SKIP("becoming a second user needs root");
    }
    const Fd bound = flagged(tcp_socket());
    ASSERT_EQ(bind_to(bound, loopback(contested)), success);
    ProcessSpec spec;
    spec.before_exec = [] { become_user(65534); };
    const Finished finished = portguard({"who", "--json", "10000"}, spec);
    EXPECT_EQ(json_of(finished)["reuseaddr_bind"], "unknown") << finished;
    EXPECT_TRUE(portguard({"who", "--with-reuseaddr", "10000"}, spec).exited_with(1));
}

TEST_F(Who, SaysThatAPortBelowTheUnprivilegedOnesIsForbidden) {
    if (!can_become_another_user()) {
        PORTGUARD_SKIP("becoming a second user needs root");
    }
    ProcessSpec spec;
    spec.before_exec = [] { become_user(65534); };
    EXPECT_NE(portguard({"who", "80"}, spec).out.find("a plain bind: EACCES"), std::string::npos);
    EXPECT_NE(portguard({"who", "80"}).out.find("a plain bind: would succeed"), std::string::npos);
}

TEST_F(Who, SaysWhatAnotherUserDoesNotSee) {
    const Fd server = listener(loopback(contested));
    if (!can_become_another_user()) {
        PORTGUARD_SKIP("becoming a second user needs root");
    }
    ProcessSpec spec;
    spec.before_exec = [] { become_user(65534); };
    const Finished finished = portguard({"who", "10000"}, spec);
    EXPECT_TRUE(finished.exited_with(1)) << finished;
    EXPECT_NE(finished.out.find("missing"), std::string::npos) << finished;
}

} // namespace
} // namespace portguard::test
