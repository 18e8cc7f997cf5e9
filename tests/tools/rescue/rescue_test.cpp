// `portguard rescue`: what it does to live sockets of other processes.
#include <cerrno>

#include "tools/support/port_command.h"

namespace portguard::test {
namespace {

/// B of the story: its outgoing connection was given the contested port, the only one that there is.
class Rescue : public PortCommand {
protected:
    void SetUp() override {
        PortCommand::SetUp();
        if (!IsSkipped() && !HasFatalFailure()) {
            set_ephemeral_range(contested, contested);
        }
    }
};

TEST_F(Rescue, LetsAFlaggedListenerInWhileTheConnectionGoesOnEchoing) {
    const Fd target = listener(loopback(elsewhere));
    const Process echo({.argv = {"/usr/bin/python3", "-c",
                                 "import socket\n"
                                 "s = socket.create_connection(('127.0.0.1', 9000))\n"
                                 "while data := s.recv(100): s.sendall(data)\n"}});
    const Fd server(::accept4(target.get(), nullptr, nullptr, SOCK_CLOEXEC));
    ASSERT_EQ(peer_address(server).port(), contested);
    ASSERT_EQ(bind_to(flagged(tcp_socket()), wildcard(contested)), Outcome{EADDRINUSE});

    const Finished finished = portguard({"rescue", "10000"});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_NE(finished.out.find("SO_REUSEADDR is set now"), std::string::npos) << finished;
    const Fd c = listener(flagged(tcp_socket()), wildcard(contested));
    char answer[5] = {};
    ASSERT_EQ(::send(server.get(), "alive", 5, 0), 5);
    ASSERT_EQ(::recv(server.get(), answer, 5, MSG_WAITALL), 5);
    EXPECT_EQ(std::string(answer, 5), "alive");
}

TEST_F(Rescue, InADryRunChangesNothing) {
    const Connection connection = connect_pair(listener(loopback(elsewhere)));
    const Finished finished = portguard({"rescue", "--dry-run", "--json", "10000"});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_EQ(json_of(finished)["sockets"][0]["outcome"], "would_flag") << finished;
    EXPECT_EQ(json_of(finished)["bindable"], true) << finished;
    EXPECT_FALSE(has_reuseaddr(connection.client));
}

TEST_F(Rescue, LeavesAListenerAloneUnlessTold) {
    const Fd server = listener(loopback(elsewhere));
    const Finished refused = portguard({"rescue", "9000"});
    EXPECT_TRUE(refused.exited_with(1)) << refused;
    EXPECT_NE(refused.out.find("--listener"), std::string::npos) << refused;
    EXPECT_FALSE(has_reuseaddr(server));
    EXPECT_TRUE(portguard({"rescue", "--listener", "9000"}).exited_with(1));
    EXPECT_TRUE(has_reuseaddr(server));
}

TEST_F(Rescue, RemovesTimeWaitOnlyWhenTold) {
    Connection connection = connect_pair(listener(loopback(elsewhere)));
    ASSERT_EQ(into_time_wait(std::move(connection.client), std::move(connection.server)), contested);
    EXPECT_TRUE(portguard({"rescue", "10000"}).exited_with(1));
    EXPECT_TRUE(port_is_in_state(contested, TcpState::time_wait));
    const Finished removed = portguard({"rescue", "--time-wait", "10000"});
    EXPECT_TRUE(removed.exited_with(0)) << removed;
    EXPECT_FALSE(port_is_in_state(contested, TcpState::time_wait));
}

TEST_F(Rescue, SaysThatALiveMptcpConnectionTakesNoFlag) {
    Fd client = mptcp_socket();
    ASSERT_TRUE(client.valid());
    const Connection connection =
        connect_pair(listener(mptcp_socket(), loopback(elsewhere)), std::move(client));
    const Finished finished = portguard({"rescue", "10000"});
    EXPECT_TRUE(finished.exited_with(1)) << finished;
    EXPECT_NE(finished.out.find("MPTCP"), std::string::npos) << finished;
    EXPECT_NE(finished.out.find("EINVAL"), std::string::npos) << finished;
}

TEST_F(Rescue, ADryRunSaysOfMptcpWhatTheRunDoes) {
    if (!mptcp_socket().valid()) {
        PORTGUARD_SKIP("this kernel has no MPTCP");
    }
    const Fd server = listener(mptcp_socket(), loopback(10000));
    Fd client = mptcp_socket();
    ASSERT_EQ(bind_to(client, loopback(elsewhere)), success);
    const Connection connection = connect_pair(server, std::move(client));
    const auto answer = [](bool dry_run) {
        Words words{"rescue", "--listener", "10000"};
        words.insert(words.end(), dry_run ? 1 : 0, "--dry-run");
        return portguard(words).out;
    };
    const std::string forecast = answer(true);
    const std::string outcome = answer(false);
    EXPECT_NE(forecast.find("127.0.0.1:10000 LISTEN:\n    SO_REUSEADDR would be set"), std::string::npos)
        << forecast;
    EXPECT_NE(outcome.find("127.0.0.1:10000 LISTEN:\n    SO_REUSEADDR is set now"), std::string::npos)
        << outcome;
    for (const std::string& text : {forecast, outcome}) {
        EXPECT_NE(text.find("MPTCP takes no SO_REUSEADDR once it is connected (EINVAL)"), std::string::npos)
            << text;
    }
}

TEST_F(Rescue, NamesTheRightThatAnotherUserLacks) {
    const Connection connection = connect_pair(listener(loopback(elsewhere)));
    if (!can_become_another_user()) {
        PORTGUARD_SKIP("becoming a second user needs root");
    }
    ProcessSpec spec;
    spec.before_exec = [] { become_user(65534); };
    const Finished finished = portguard({"rescue", "10000"}, spec);
    EXPECT_TRUE(finished.exited_with(1)) << finished;
    EXPECT_NE(finished.out.find("it works as root"), std::string::npos) << finished;
    EXPECT_FALSE(has_reuseaddr(connection.client));
}

TEST_F(Rescue, OfAFreePortDoesNothing) {
    const Finished finished = portguard({"rescue", "10000"});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_NE(finished.out.find("nothing was done"), std::string::npos) << finished;
}

} // namespace
} // namespace portguard::test
