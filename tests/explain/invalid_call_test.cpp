// Calls that the kernel refuses for the socket or the address, whoever holds the port: what the report says
// of each, and that what it advises binds.
#include <cerrno>
#include <cstddef>
#include <string>

#include <net/if.h>

#include "explain/cause_fixture.h"

namespace portguard::test {
namespace {

class InvalidCall : public CauseTest {
protected:
    std::string cause_of(const Fd& socket, const Address& asked, int error = EINVAL) {
        return cause(socket, asked, error, EventKind::invalid);
    }
};

Address shortened(Address address, socklen_t length) {
    address.length = length;
    return address;
}

Address scoped(const char* text, std::uint32_t scope) {
    Address asked = address(text, 8080);
    reinterpret_cast<sockaddr_in6*>(&asked.storage)->sin6_scope_id = scope;
    return asked;
}

TEST_F(InvalidCall, BindOfASocketThatIsBoundNamesWhatItHas) {
    for (const int family : {AF_INET, AF_INET6}) {
        for (const bool is_udp : {false, true}) {
            const Fd socket = is_udp ? udp_socket(family) : tcp_socket(family);
            ASSERT_EQ(bind_to(socket, loopback(7000, family)), success);
            EXPECT_EQ(cause_of(socket, loopback(8080, family)), "socket_is_bound") << written;
            EXPECT_NE(sentence().find(":7000 already"), std::string::npos) << written;
            EXPECT_TRUE(rests_on(":7000")) << written;
        }
    }
}

TEST_F(InvalidCall, BindOfAListenerOrOfAPortThatTheKernelChoseIsNoDifferent) {
    const Fd server = listener(loopback(7000));
    EXPECT_EQ(cause_of(server, loopback(8080)), "socket_is_bound");
    const Fd chosen = tcp_socket();
    ASSERT_EQ(bind_to(chosen, loopback(0)), success);
    EXPECT_EQ(cause_of(chosen, loopback(8080)), "socket_is_bound");
    EXPECT_NE(sentence().find(":" + std::to_string(local_port(chosen))), std::string::npos) << written;
}

TEST_F(InvalidCall, BindOfAConnectedSocketNamesItsPeer) {
    const Fd server = listener(loopback(7000));
    const Connection connection = connect_pair(server);
    EXPECT_EQ(cause_of(connection.client, loopback(8080)), "socket_is_connected");
    EXPECT_NE(sentence().find("127.0.0.1:7000"), std::string::npos) << written;
    const Fd datagrams = udp_socket();
    ASSERT_EQ(connect_to(datagrams, loopback(53)), success);
    EXPECT_EQ(cause_of(datagrams, loopback(8080)), "socket_is_connected");
}

TEST_F(InvalidCall, ListenOnAConnectedSocket) {
    const Fd server = listener(loopback(7000));
    const Connection connection = connect_pair(server);
    ASSERT_EQ(listen_on(connection.client), Outcome{EINVAL});
    FailedCall report(connection.client, loopback(0));
    report.forget_address();
    report.snapshot.kind = EventKind::invalid;
    report.snapshot.call = Call::listen;
    report.snapshot.error = EINVAL;
    EXPECT_EQ(reported_cause(report), "socket_is_connected");
    EXPECT_NE(sentence().find("it cannot listen"), std::string::npos) << written;
}

TEST_F(InvalidCall, AnAddressOfTheOtherFamily) {
    EXPECT_EQ(cause_of(tcp_socket(AF_INET6), loopback(8080)), "address_of_other_family");
    EXPECT_TRUE(advises("::ffff:127.0.0.1")) << written;
    EXPECT_EQ(bind_to(tcp_socket(AF_INET6), address("::ffff:127.0.0.1", 8080)), success) << "the cure works";
    EXPECT_EQ(cause_of(udp_socket(), loopback(8080, AF_INET6), EAFNOSUPPORT), "address_of_other_family");
    EXPECT_TRUE(advises("an AF_INET6 socket")) << written;
}

TEST_F(InvalidCall, AnAddressThatIsTooShort) {
    EXPECT_EQ(cause_of(tcp_socket(AF_INET6), shortened(loopback(8080, AF_INET6), 16)), "address_too_short");
    EXPECT_NE(sentence().find("16 bytes of an IPv6 address, which has at least 24"), std::string::npos)
        << written;
    EXPECT_EQ(cause_of(tcp_socket(), shortened(loopback(8080), 8)), "address_too_short");
    EXPECT_TRUE(advises("sizeof(struct sockaddr_in)")) << written;
}

TEST_F(InvalidCall, AMulticastAddressOfTcp) {
    EXPECT_EQ(cause_of(tcp_socket(AF_INET6), address("ff02::fb", 8080)), "multicast_address");
}

TEST_F(InvalidCall, AMappedAddressOnASocketOfIPv6Alone) {
    const Fd socket = tcp_socket(AF_INET6);
    ASSERT_EQ(set_option(socket, SOL_IPV6, IPV6_V6ONLY, 1), success);
    const Address mapped = address("::ffff:127.0.0.1", 8080);
    EXPECT_EQ(cause_of(socket, mapped), "mapped_address");
    ASSERT_EQ(set_option(socket, SOL_IPV6, IPV6_V6ONLY, 0), success);
    EXPECT_EQ(bind_to(socket, mapped), success) << "the cure works";
}

TEST_F(InvalidCall, ALinkLocalAddressWithoutItsInterfaceIsGivenOne) {
    ASSERT_EQ(std::system("ip -6 address add fe80::7/64 dev lo nodad"), 0);
    for (const bool is_udp : {false, true}) {
        const Fd socket = is_udp ? udp_socket(AF_INET6) : tcp_socket(AF_INET6);
        EXPECT_EQ(cause_of(socket, scoped("fe80::7", 0)), "link_local_without_interface");
        EXPECT_TRUE(advises("fe80::7%lo in the program")) << written;
        EXPECT_EQ(bind_to(socket, scoped("fe80::7", if_nametoindex("lo"))), success) << "the cure works";
    }
    EXPECT_EQ(cause_of(tcp_socket(AF_INET6), scoped("fe80::8", 0)), "link_local_without_interface");
    EXPECT_TRUE(advises("ip -6 address")) << "nothing has that one: " << written;
}

TEST_F(InvalidCall, AnInterfaceThatIsNotThere) {
    EXPECT_EQ(cause_of(tcp_socket(AF_INET6), scoped("fe80::7", 999), ENODEV), "no_such_interface");
    EXPECT_NE(sentence().find("999"), std::string::npos) << written;
}

TEST_F(InvalidCall, AGroupThatIsJoinedTwiceTakesALineAndNamesNoPort) {
    config.format = Format::text;
    const Fd socket = udp_socket();
    FailedCall report(socket, address("224.0.0.251", 0));
    report.snapshot.kind = EventKind::joined;
    report.snapshot.call = Call::setsockopt;
    report.snapshot.facts = SocketFacts::of(Protocol::udp);
    const std::string text = told(report);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
    EXPECT_NE(
        text.find("setsockopt udp 224.0.0.251: joined already (EADDRINUSE): this socket is a member of that "
                  "multicast group already; no port is in use"),
        std::string::npos)
        << text;
}

} // namespace
} // namespace portguard::test
