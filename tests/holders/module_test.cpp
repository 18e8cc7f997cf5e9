#include <string>

#include "holders/module_fixture.h"

namespace portguard::test {
namespace {

class Module : public ModuleTest {
protected:
    std::string first_line() const { return written.substr(0, written.find('\n')); }

    std::string head = "portguard: victim[" + std::to_string(getpid()) + "]: bind tcp 127.0.0.1:10000: ";
};

TEST_F(Module, LeavesARequestOfAnotherVersionToTheCaller) {
    const Fd socket = tcp_socket();
    const Address address = loopback(port);
    SeamRequest other = request(Phase::report, socket, address);
    other.version = seam_version + 1;
    EXPECT_EQ(diagnose(&other), -1);
    other = request(Phase::report, socket, address);
    other.size -= 1;
    EXPECT_EQ(diagnose(&other), -1);
    EXPECT_EQ(written, "");
}

TEST_F(Module, SaysThatTheFlagMayHelpAgainstTimeWaitAndWritesNothing) {
    Connection connection = connect_pair(listener(loopback(port)));
    const Fd socket = tcp_socket();
    const Address address = loopback(port);
    into_time_wait(std::move(connection.server), std::move(connection.client));
    SeamRequest ask = request(Phase::ask, socket, address);
    EXPECT_EQ(diagnose(&ask), 0);
    EXPECT_TRUE(ask.may_cure);
    EXPECT_EQ(written, "");
    ask.phase = Phase::report; // lets go of what ask has found
    EXPECT_EQ(diagnose(&ask), 0);
}

TEST_F(Module, SaysThatTheFlagMayNotHelpAgainstASocketThatIsOnlyBound) {
    Connection connection = connect_pair(listener(flagged(tcp_socket()), loopback(port)));
    const Fd bound = flagged(tcp_socket());
    ASSERT_EQ(bind_to(bound, loopback(port)), success);
    const Fd socket = tcp_socket();
    const Address address = loopback(port);
    SeamRequest ask = request(Phase::ask, socket, address);
    EXPECT_EQ(diagnose(&ask), 0);
    EXPECT_FALSE(ask.may_cure);
    ask.phase = Phase::report;
    EXPECT_EQ(diagnose(&ask), 0);
}

int sockets_opened = 0;

int counting_socket(int domain, int type, int protocol) noexcept {
    ++sockets_opened;
    return ::socket(domain, type, protocol);
}

TEST_F(Module, AsksForTheSocketsOnceACallAndForNothingMoreWhereItIsARepeat) {
    const Fd server = listener(loopback(port));
    const Fd socket = tcp_socket();
    const Address address = loopback(port);
    for (const bool repeated : {false, true, true}) {
        SeamRequest call = request(Phase::ask, socket, address);
        call.real.socket = counting_socket;
        config.stack_depth = 0;
        sockets_opened = 0;
        written.clear();
        EXPECT_EQ(diagnose(&call), 0);
        EXPECT_NE(call.found, nullptr);
        call.phase = Phase::report;
        EXPECT_EQ(diagnose(&call), 0);
        EXPECT_EQ(call.found, nullptr);
        EXPECT_EQ(sockets_opened, 2) << "one list a family";
        EXPECT_EQ(written.empty(), repeated);
    }
}

TEST_F(Module, TellsAnotherCauseAtOnceThoughTheCallIsARepeat) {
    Fd server = listener(flagged(tcp_socket()), loopback(port));
    Connection connection = connect_pair(server);
    const Fd socket = tcp_socket();
    const Address address = loopback(port);
    config.stack_depth = 0;
    for (const char* state : {"LISTEN", "ESTABLISHED"}) {
        SeamRequest call = request(Phase::ask, socket, address);
        EXPECT_EQ(diagnose(&call), 0);
        call.phase = Phase::report;
        EXPECT_NE(told(call).find(state), std::string::npos) << written;
        server.reset();
    }
}

TEST_F(Module, NamesTheHolderOfAPortInUse) {
    const Fd server = listener(loopback(7000));
    Fd client = tcp_socket();
    ASSERT_EQ(bind_to(client, loopback(port)), success);
    const Connection connection = connect_pair(server, std::move(client));
    const Fd socket = tcp_socket();
    const Address address = loopback(port);
    SeamRequest report = request(Phase::report, socket, address);
    EXPECT_EQ(diagnose(&report), 0);
    EXPECT_EQ(first_line(), head + "in use (EADDRINUSE): held by portguard_holde[" +
                                std::to_string(getpid()) + "] 127.0.0.1:10000 → 127.0.0.1:7000 ESTABLISHED");
}

TEST_F(Module, CountsTheTimeWaitSocketsThatWereCuredAndNotTheSocketItself) {
    Fd server = listener(flagged(tcp_socket()), loopback(port));
    for (int round = 0; round < 3; ++round) {
        Connection connection = connect_pair(server);
        into_time_wait(std::move(connection.server), std::move(connection.client));
    }
    server.reset();
    const Fd socket = flagged(tcp_socket());
    const Address address = loopback(port);
    ASSERT_EQ(bind_to(socket, address), success);
    SeamRequest report = request(Phase::report, socket, address);
    report.kind = EventKind::cured;
    report.error = 0;
    EXPECT_EQ(diagnose(&report), 0);
    EXPECT_EQ(first_line(), head + "cured: was held by 3 TIME_WAIT sockets");
}

TEST_F(Module, ReadsTheAddressOfAListenFromTheSocket) {
    const Fd first = flagged(tcp_socket());
    const Fd second = flagged(tcp_socket());
    ASSERT_EQ(bind_to(first, loopback(port)), success);
    ASSERT_EQ(bind_to(second, loopback(port)), success);
    ASSERT_EQ(listen_on(first), success);
    ASSERT_EQ(listen_on(second), Outcome{EADDRINUSE});
    SeamRequest report = request(Phase::report, second, loopback(port));
    report.call = Call::listen;
    report.address = nullptr;
    report.length = 0;
    EXPECT_EQ(diagnose(&report), 0);
    EXPECT_NE(first_line().find("listen tcp 127.0.0.1:10000: in use (EADDRINUSE): held by portguard_holde["),
              std::string::npos)
        << written;
    EXPECT_NE(first_line().find("LISTEN"), std::string::npos) << written;
}

TEST_F(Module, TellsARefusalWithThePlan) {
    Text<100> why;
    ASSERT_TRUE(parse_port_set("5000-9999", config.listen, why));
    config.has_listen = true;
    const Fd socket = tcp_socket();
    const Address address = loopback(port);
    SeamRequest report = request(Phase::report, socket, address);
    report.kind = EventKind::refused;
    report.error = EACCES;
    EXPECT_EQ(diagnose(&report), 0);
    EXPECT_EQ(first_line(), head + "refused (EACCES): outside listen=5000-9999");
}

TEST_F(Module, H31_AProgramNameCannotWriteLinesOfItsOwn) {
    const Fd socket = tcp_socket();
    const Address address = loopback(port);
    SeamRequest report = request(Phase::report, socket, address);
    report.program = "evil\n\x1b[31mportguard: all is well";
    EXPECT_EQ(diagnose(&report), 0);
    EXPECT_EQ(written.find('\x1b'), std::string::npos);
    EXPECT_TRUE(first_line().starts_with("portguard: evil??[31mportguard: all is well[")) << written;
}

} // namespace
} // namespace portguard::test
