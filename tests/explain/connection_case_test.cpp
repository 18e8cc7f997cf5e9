// Connections and ranges that people have reported, rebuilt: what the report says of each.
#include <string>

#include "explain/cause_fixture.h"
#include "support/kernel_features.h"
#include "support/skip.h"
#include "support/waiting.h"

namespace portguard::test {
namespace {

class ConnectionCase : public CauseTest {};

Fd bound(Fd socket, const Address& address) {
    EXPECT_EQ(bind_to(socket, address), success);
    return socket;
}

// Connections: which side opened them is seen, and not inferred from their ports.

constexpr const char* outgoing_from_port = "l=socket();l.bind(('127.0.0.1',7000));l.listen()\n"
                                           "c=socket();c.bind(('127.0.0.1',10000))\n"
                                           "c.connect(('127.0.0.1',7000));a=l.accept()[0];l.close()";

TEST_F(ConnectionCase, AnOutgoingConnectionFromAPortOutsideTheRange) {
    const OtherProgram client(outgoing_from_port);
    EXPECT_EQ(cause_for(wildcard(port)), "outgoing_connection");
    EXPECT_TRUE(rests_on("sent the first SYN")) << written;
    EXPECT_NE(sentence().find("bound that port itself"), std::string::npos) << written;
    EXPECT_TRUE(advises("portguard rescue 10000")) << written;
    EXPECT_FALSE(advises("sysctl")) << "the kernel gives it to nobody: " << written;
}

TEST_F(ConnectionCase, AnOutgoingConnectionFromAReservedPort) {
    set_ephemeral_range(9000, 60999);
    set_sysctl("ipv4/ip_local_reserved_ports", "10000");
    const OtherProgram client(outgoing_from_port);
    EXPECT_EQ(cause_for(wildcard(port)), "outgoing_connection");
    EXPECT_NE(sentence().find("ip_local_reserved_ports"), std::string::npos) << written;
    EXPECT_FALSE(advises("sysctl")) << "it is in force: " << written;
}

TEST_F(ConnectionCase, AConnectionAcceptedOnAPortInsideTheRange) {
    set_ephemeral_range(9000, 60999);
    const OtherProgram server("l=socket();l.bind(('127.0.0.1',10000));l.listen()\n"
                              "c=create_connection(('127.0.0.1',10000));a=l.accept()[0];l.close()");
    EXPECT_EQ(cause_for(wildcard(port)), "dying_server");
    EXPECT_TRUE(rests_on("its peer sent the first SYN")) << written;
}

TEST_F(ConnectionCase, AConnectionThatWasResetAndIsNotClosedYet) {
    PORTGUARD_NEEDS_BOUND_SOCKETS_SHOWN();
    const OtherProgram client("l=socket();l.bind(('127.0.0.1',7000));l.listen()\n"
                              "c=socket();c.bind(('127.0.0.1',10000))\n"
                              "c.connect(('127.0.0.1',7000));l.close()");
    EXPECT_EQ(cause_for(wildcard(port)), "bound_only");
    EXPECT_NE(sentence().find("connection to 127.0.0.1:7000 has ended"), std::string::npos) << written;
}

TEST_F(ConnectionCase, AConnectionToItself) {
    const OtherProgram client("s=socket();s.bind(('127.0.0.1',10000));s.connect(('127.0.0.1',10000))");
    EXPECT_EQ(cause_for(wildcard(port)), "self_connected");
    EXPECT_NE(sentence().find("connected to itself"), std::string::npos) << written;
}

TEST_F(ConnectionCase, ALeaseIsToldFromAConnectionToItselfThatHasEnded) {
    {
        const OtherProgram leased("s=socket();s.setsockopt(1,2,1);s.bind(('127.0.0.1',10000))\n"
                                  "s.connect(('127.0.0.1',10000));s.shutdown(2);s.close()");
        EXPECT_EQ(cause_for(wildcard(port)), "leased");
        EXPECT_NE(sentence().find("127.0.0.1:10000 is leased for "), std::string::npos) << written;
        EXPECT_TRUE(rests_on("SO_REUSEADDR binds over it")) << written;
        EXPECT_EQ(advises("portguard rescue --time-wait 10000"), kernel_destroys_time_wait()) << written;
        EXPECT_FALSE(advises("kill")) << written;
    }
    const PrivateNet next;
    const OtherProgram ended("s=socket();s.bind(('127.0.0.1',10000))\n"
                             "s.connect(('127.0.0.1',10000));s.shutdown(2);s.close()");
    EXPECT_EQ(cause_for(wildcard(port)), "self_connected");
}

TEST_F(ConnectionCase, AConnectionThatItsProgramHasClosed) {
    Fd server = listener(loopback(port));
    Connection connection = connect_pair(server);
    connection.server.reset();
    server.reset();
    ASSERT_TRUE(eventually([] { return port_is_in_state(port, TcpState::fin_wait2); }));
    EXPECT_EQ(cause_for(wildcard(port)), "orphaned_connection");
    EXPECT_NE(sentence().find("FIN_WAIT2"), std::string::npos) << written;
    EXPECT_EQ(advises("portguard rescue --orphans 10000"), kernel_destroys_time_wait()) << written;
    EXPECT_TRUE(advises("portguard who --wait=")) << written;
    EXPECT_FALSE(advises("kill")) << written;
    config.format = Format::text;
    const Fd socket = tcp_socket();
    const std::string text = told(FailedCall(socket, wildcard(port)));
    EXPECT_EQ(text.find("held by no process"), std::string::npos) << text;
    EXPECT_NE(text.find("FIN_WAIT2, which its program has closed"), std::string::npos) << text;
}

TEST_F(ConnectionCase, AConnectionOfMptcp) {
    if (!mptcp_socket().valid()) {
        PORTGUARD_SKIP("this kernel has no MPTCP");
    }
    const OtherProgram server("l=socket(2,1,262);l.bind(('',10000));l.listen()\n"
                              "c=socket(2,1,262);c.connect(('127.0.0.1',10000));a=l.accept()[0];l.close()");
    EXPECT_EQ(cause_for(wildcard(port)), "dying_server") << written;
    EXPECT_FALSE(advises("rescue")) << "MPTCP takes no flag once it is connected: " << written;
    EXPECT_TRUE(advises("kill " + std::to_string(server.pid()) + " && portguard who --wait=")) << written;
    EXPECT_EQ(event["holders"][0]["mptcp"], true) << written;
}

TEST_F(ConnectionCase, ATimeWaitWhoseOpenerIsNotSeenMayBeEither) {
    Connection connection = connect_pair(listener(loopback(port)));
    into_time_wait(std::move(connection.server), std::move(connection.client));
    EXPECT_EQ(cause_for(loopback(port)), "own_time_wait");
    EXPECT_NE(sentence().find("is a server's address"), std::string::npos) << written;
}

TEST_F(ConnectionCase, AServerThatRunsUnderTheGuardIsNotAdvisedTo) {
    Connection connection = connect_pair(listener(loopback(port)));
    into_time_wait(std::move(connection.server), std::move(connection.client));
    cause_for(loopback(port));
    EXPECT_FALSE(has("portguard run")) << written;
    config.mode = Mode::observe;
    cause_for(loopback(port));
    EXPECT_TRUE(advises("PORTGUARD_MODE=enforce")) << written;
}

TEST_F(ConnectionCase, WhatAListenersConnectionsLeaveBehindIsWaitedFor) {
    const OtherProgram server("l=socket();l.bind(('127.0.0.1',10000));l.listen()\n"
                              "c=create_connection(('127.0.0.1',10000));a=l.accept()[0]");
    const std::string kill = "kill " + std::to_string(server.pid());
    EXPECT_EQ(cause_for(wildcard(port)), "wildcard_and_specific");
    const std::string waits = kill + " && portguard who --wait=121s 10000";
    const bool destroys_orphans = kernel_is_at_least(6, 12);
    EXPECT_TRUE(advises(waits + (destroys_orphans ? " || portguard rescue --time-wait --orphans 10000" : "")))
        << written;
    EXPECT_EQ(has("rescue"), destroys_orphans) << written;
}

TEST_F(ConnectionCase, AListenerWithoutConnectionsLeavesNothing) {
    const OtherProgram server("l=socket();l.bind(('127.0.0.1',10000));l.listen()");
    cause_for(wildcard(port));
    EXPECT_FALSE(advises("--wait")) << written;
}

// Ports that the kernel is to choose.

TEST_F(ConnectionCase, BindsToPortZeroThatUseUpTheRange) {
    set_ephemeral_range(40000, 40001);
    const OtherProgram server("l=socket();l.bind(('',8080));l.listen()");
    const Fd first = bound(tcp_socket(), loopback(0));
    const Fd second = bound(tcp_socket(), loopback(0));
    EXPECT_EQ(cause(tcp_socket(), loopback(0), EADDRINUSE, EventKind::exhausted), "no_port_left");
    EXPECT_TRUE(advises("IP_BIND_ADDRESS_NO_PORT")) << written;
    EXPECT_FALSE(advises("destination")) << "no destination is known at bind: " << written;
    EXPECT_TRUE(advises("bind to more source addresses")) << written;
    EXPECT_EQ(bind_to(tcp_socket(), address("127.0.0.2", 0)), success) << "the cure works";
    EXPECT_TRUE(advises("ip_local_port_range=\"8081 65534\"")) << written;
    set_ephemeral_range(8081, 65534);
    EXPECT_EQ(bind_to(tcp_socket(), loopback(0)), success) << "the cure works";
}

TEST_F(ConnectionCase, WhatEveryAddressUsesNoOtherAddressHas) {
    set_ephemeral_range(40000, 40001);
    const Fd first = bound(tcp_socket(), wildcard(0));
    const Fd second = bound(tcp_socket(), wildcard(0));
    EXPECT_EQ(cause(tcp_socket(), loopback(0), EADDRINUSE, EventKind::exhausted), "no_port_left");
    EXPECT_FALSE(advises("source addresses")) << written;
}

TEST_F(ConnectionCase, OneConnectionThatExistsIsNotAWantOfPorts) {
    const Fd server = listener(loopback(7000));
    const Connection first = connect_pair(server, bound(flagged(tcp_socket()), loopback(port)));
    const Fd second = bound(flagged(tcp_socket()), loopback(port));
    ASSERT_EQ(connect_to(second, loopback(7000)), Outcome{EADDRNOTAVAIL});
    FailedCall report(second, loopback(7000));
    report.snapshot.kind = EventKind::exhausted;
    report.snapshot.call = Call::connect;
    report.snapshot.error = EADDRNOTAVAIL;
    report.snapshot.facts = SocketFacts::of(Protocol::tcp).with_port(PortChoice::program);
    EXPECT_EQ(reported_cause(report), "four_tuple_in_use");
    EXPECT_TRUE(rests_on("127.0.0.1:10000 → 127.0.0.1:7000 is in ESTABLISHED")) << written;
    EXPECT_FALSE(has("no port left")) << written;
}

} // namespace
} // namespace portguard::test
