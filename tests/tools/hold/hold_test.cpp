// `portguard hold`: a reservation and its limits.
#include <cerrno>
#include <csignal>

#include "tools/support/port_command.h"

namespace portguard::test {
namespace {

class Hold : public PortCommand {};

const std::string plain_server = "import socket, sys\n"
                                 "s = socket.socket()\n"
                                 "s.bind(('127.0.0.1', 10000))\n"
                                 "s.listen()\n"
                                 "sys.exit(7)\n";

TEST_F(Hold, KeepsOutgoingConnectionsOffAndLetsAFlaggedListenerIn) {
    set_ephemeral_range(contested, contested + 1);
    const Fd target = listener(loopback(elsewhere));
    ReadyCommand hold({"hold", "10000"});
    ASSERT_TRUE(hold.is_ready()) << hold.process().err();
    const Connection connection = connect_pair(target);
    EXPECT_EQ(local_port(connection.client), contested + 1);
    EXPECT_EQ(connect_to(tcp_socket(), loopback(elsewhere)), Outcome{EADDRNOTAVAIL});
    const Fd server = listener(flagged(tcp_socket()), loopback(contested));
    EXPECT_EQ(bind_to(tcp_socket(), wildcard(contested)), Outcome{EADDRINUSE});
}

TEST_F(Hold, CoversIpv4WhereTheHostMakesIpv6SocketsV6only) {
    set_sysctl("ipv6/bindv6only", "1");
    ReadyCommand hold({"hold", "10000"});
    ASSERT_TRUE(hold.is_ready());
    EXPECT_EQ(bind_to(tcp_socket(), loopback(contested)), Outcome{EADDRINUSE});
}

TEST_F(Hold, LetsAPlainServerInThatRunsUnderTheGuard) {
    ReadyCommand hold({"hold", "10000"});
    ASSERT_TRUE(hold.is_ready());
    EXPECT_TRUE(run_process({.argv = {"/usr/bin/python3", "-c", plain_server}}).exited_with(1));
    const Finished guarded = portguard({"run", "/usr/bin/python3", "-c", plain_server});
    EXPECT_TRUE(guarded.exited_with(7)) << guarded;
}

TEST_F(Hold, WithAProgramPassesItsStatusAndOutputOnAndEndsWithIt) {
    const Finished finished = portguard({"hold", "10000", "--", "/usr/bin/python3", "-c", plain_server});
    EXPECT_TRUE(finished.exited_with(7)) << finished;
    EXPECT_EQ(finished.out, "");
    EXPECT_TRUE(eventually([] { return bind_to(tcp_socket(), wildcard(contested)) == success; }));
}

TEST_F(Hold, WithAProgramReservesBeforeItStarts) {
    const Finished finished = portguard({"hold", "10000", "--", PORTGUARD_COMMAND, "who", "10000"});
    EXPECT_TRUE(finished.exited_with(1)) << finished;
    EXPECT_NE(finished.out.find("portguard hold"), std::string::npos) << finished;
}

TEST_F(Hold, WithAProgramIsTheProgramForSignals) {
    const Finished ended = portguard({"hold", "10000", "--", "sh", "-c", "kill -USR1 $$"});
    EXPECT_EQ(ended.signal, SIGUSR1) << ended;
    Process waiting(
        command_spec({"hold", "10000", "--", "sh", "-c", "trap 'exit 5' TERM; echo set; kill -TERM $$"}));
    EXPECT_TRUE(waiting.finish().exited_with(5));
}

TEST_F(Hold, OfManyPortsNeedsNoLimitRaisedByHand) {
    ReadyCommand hold({"hold", "--listen=5000-9999", "--ephemeral=20000-30000"});
    ASSERT_TRUE(hold.is_ready()) << hold.process().err();
    EXPECT_EQ(bind_to(tcp_socket(), wildcard(5000)), Outcome{EADDRINUSE});
    EXPECT_EQ(bind_to(tcp_socket(), wildcard(9999)), Outcome{EADDRINUSE});
}

TEST_F(Hold, TriesAListenedPortAgainAndTakesItOnceItIsFree) {
    Fd server = listener(loopback(contested));
    Process hold(command_spec({"hold", "10000,10001"}));
    ASSERT_TRUE(eventually([&] { return hold.out() == "ready, but for 1 port of 2\n"; })) << hold.err();
    EXPECT_NE(hold.err().find("port 10000 cannot be held: "), std::string::npos) << hold.err();
    server.reset();
    EXPECT_TRUE(eventually([&] { return hold.err().find("port 10000 is held now") != std::string::npos; }));
    EXPECT_EQ(bind_to(tcp_socket(), wildcard(contested)), Outcome{EADDRINUSE});
}

TEST_F(Hold, OfNothingButAConnectionsPortIsAFindingAndNamesTheRescue) {
    set_ephemeral_range(contested, contested);
    const Connection connection = connect_pair(listener(loopback(elsewhere)));
    const Finished finished = portguard({"hold", "10000"});
    EXPECT_TRUE(finished.exited_with(1)) << finished;
    EXPECT_NE(finished.err.find("portguard rescue 10000"), std::string::npos) << finished;
    EXPECT_EQ(finished.out, "");
}

TEST_F(Hold, WarnsWhereHardlyAPortIsLeftForConnections) {
    set_ephemeral_range(20000, 20009);
    const Finished crowded = portguard({"hold", "20000-20009", "--for=1ms", "--json"});
    EXPECT_TRUE(crowded.exited_with(0)) << crowded;
    EXPECT_NE(crowded.err.find("10 of the 10 ports"), std::string::npos) << crowded;
    EXPECT_EQ(json_of(crowded)["held"], "20000-20009") << crowded;
    EXPECT_EQ(portguard({"hold", "20000-20008", "--for=1ms"}).err.find("of the 10 ports"), std::string::npos);
}

} // namespace
} // namespace portguard::test
