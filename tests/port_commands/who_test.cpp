// `portguard who`: holders, verdict and waiting.
#include <cerrno>

#include "port_commands/port_command.h"

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
    EXPECT_TRUE(portguard({"who", "10000"}).exited_with(0));
    const Finished finished = portguard({"who", "--udp", "--json", "10000"});
    EXPECT_TRUE(finished.exited_with(1)) << finished;
    EXPECT_EQ(json_of(finished)["cause"], "udp_holder") << finished;
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
