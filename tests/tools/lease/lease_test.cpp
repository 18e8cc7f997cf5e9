// `portguard lease`: a port for a name.
#include <cerrno>
#include <csignal>
#include <set>
#include <sstream>
#include <vector>

#include "support/waiting.h"
#include "tools/support/port_command.h"

namespace portguard::test {
namespace {

class LeaseCommand : public PortCommand {};

const std::string plan = "--listen=5000-5999";

std::vector<int> ports_in(const std::string& text) {
    std::vector<int> ports;
    std::istringstream lines(text);
    for (int port = 0; lines >> port;) {
        ports.push_back(port);
    }
    return ports;
}

std::uint16_t leased_port(const std::string& name, const std::string& listen = plan) {
    const Finished finished = portguard({"lease", name, listen});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    const std::vector<int> ports = ports_in(finished.out);
    EXPECT_EQ(ports.size(), 1U) << finished;
    return ports.empty() ? std::uint16_t{0} : static_cast<std::uint16_t>(ports.front());
}

TEST_F(LeaseCommand, PrintsAPortOfThePlanThatIsKeptForWhoHasTheFlag) {
    const std::uint16_t port = leased_port("web");
    EXPECT_TRUE(port >= 5000 && port <= 5999) << port;
    for (const int family : {AF_INET, AF_INET6}) {
        EXPECT_EQ(bind_to(tcp_socket(family), wildcard(port, family)), Outcome{EADDRINUSE});
        EXPECT_EQ(bind_to(tcp_socket(family), loopback(port, family)), Outcome{EADDRINUSE});
        const Fd server = flagged(tcp_socket(family));
        EXPECT_EQ(bind_to(server, wildcard(port, family)), success);
        EXPECT_EQ(listen_on(server), success);
    }
}

TEST_F(LeaseCommand, LetsAPlainServerInThatRunsUnderTheGuard) {
    const std::string port = std::to_string(leased_port("web"));
    const Finished guarded =
        portguard({"run", "/usr/bin/python3", "-c",
                   "import socket\ns = socket.socket()\ns.bind(('', " + port + "))\ns.listen()\n"});
    EXPECT_TRUE(guarded.exited_with(0)) << guarded;
}

TEST_F(LeaseCommand, IsTheSameForANameWhileItIsFreeAndAnotherOneWhileItIsNot) {
    const std::uint16_t first = leased_port("web");
    const std::uint16_t second = leased_port("web");
    EXPECT_NE(first, second) << "it is leased";
    EXPECT_TRUE(portguard({"rescue", "--time-wait", std::to_string(first)}).exited_with(0));
    EXPECT_EQ(leased_port("web"), first);
}

TEST_F(LeaseCommand, TakesTheKernelsRangeWithoutAPlanAndNoPortThatIsInUse) {
    set_ephemeral_range(contested, contested + 1);
    const Fd server = listener(loopback(contested));
    const Finished finished = portguard({"lease", "web"});
    EXPECT_EQ(finished.out, std::to_string(contested + 1) + "\n") << finished;
    const Finished none = portguard({"lease", "web"});
    EXPECT_TRUE(none.exited_with(1)) << none;
    EXPECT_NE(none.err.find("none of 2 ports is free for web"), std::string::npos) << none;
}

TEST_F(LeaseCommand, OfAHundredAtATimeNoneIsGivenTwice) {
    std::string script;
    for (int index = 0; index < 100; ++index) {
        script += PORTGUARD_COMMAND " lease web " + plan + " & ";
    }
    const Finished finished = run_process({.argv = {"/bin/sh", "-c", script + "wait"}});
    const std::vector<int> ports = ports_in(finished.out);
    EXPECT_EQ(ports.size(), 100U) << finished;
    EXPECT_EQ(std::set<int>(ports.begin(), ports.end()).size(), 100U) << finished;
}

TEST_F(LeaseCommand, PrintsAsManyAsAreAskedFor) {
    const Finished finished = portguard({"lease", "web", "--count=20", plan});
    const std::vector<int> ports = ports_in(finished.out);
    EXPECT_EQ(std::set<int>(ports.begin(), ports.end()).size(), 20U) << finished;
    for (const int port : ports) {
        EXPECT_EQ(bind_to(tcp_socket(), wildcard(static_cast<std::uint16_t>(port))), Outcome{EADDRINUSE});
    }
}

TEST_F(LeaseCommand, ForLongerThanATimeWaitIsKeptByAProcessThatNobodyWaitsFor) {
    const Finished finished = portguard({"lease", "web", "--for=61s", "--listen=5000"});
    EXPECT_EQ(finished.out, "5000\n") << finished;
    EXPECT_TRUE(portguard({"rescue", "--time-wait", "5000"}).exited_with(0));
    EXPECT_EQ(bind_to(tcp_socket(), wildcard(5000)), Outcome{EADDRINUSE});
    const auto holders = json_of(portguard({"who", "--json", "5000"}))["holders"];
    ASSERT_EQ(holders.size(), 1U) << holders;
    const Fd server = flagged(tcp_socket());
    EXPECT_EQ(bind_to(server, wildcard(5000)), success);
    ::kill(holders[0]["owners"][0]["pid"].get<pid_t>(), SIGKILL);
}

TEST_F(LeaseCommand, PutsPortsIntoVariablesOfAProgramThatMayListenOnThem) {
    const std::string program = "import os, socket\n"
                                "servers = []\n"
                                "for name in ('WEB', 'API'):\n"
                                "    s = socket.socket()\n"
                                "    s.bind(('127.0.0.1', int(os.environ[name])))\n"
                                "    s.listen()\n"
                                "    servers.append(s)\n"
                                "raise SystemExit(7)\n";
    const Finished finished =
        portguard({"lease", "--env", "WEB=web,API=api", plan, "--", "/usr/bin/python3", "-c", program});
    EXPECT_TRUE(finished.exited_with(7)) << finished;
}

TEST_F(LeaseCommand, OfTwoTreesWithTheSameNamesNoPortIsShared) {
    std::string script;
    for (int index = 0; index < 20; ++index) {
        script +=
            PORTGUARD_COMMAND " lease --env A=web,B=api " + plan + " -- sh -c 'echo $A $B; sleep 0.1' & ";
    }
    const Finished finished = run_process({.argv = {"/bin/sh", "-c", script + "wait"}});
    const std::vector<int> ports = ports_in(finished.out);
    EXPECT_EQ(ports.size(), 40U) << finished;
    EXPECT_EQ(std::set<int>(ports.begin(), ports.end()).size(), 40U) << finished;
}

TEST_F(LeaseCommand, SaysWhatIsWrongWithItsWords) {
    struct Row {
        std::vector<std::string> words;
        std::string says;
    };
    for (const Row& row :
         {Row{{"lease"}, "no NAME is given"}, Row{{"lease", "web", "--count=0"}, "--count=0"},
          Row{{"lease", "--env=WEB", "--", "true"}, "expected VARIABLE=NAME"},
          Row{{"lease", "--env=1A=b", "--", "true"}, "expected VARIABLE=NAME"},
          Row{{"lease", "web", "--env=A=b"}, "--env"}, Row{{"lease", "web", "--", "true"}, "--env"},
          Row{{"lease", "web", "--env=A=b", "--", "true"}, "NAME means nothing"}}) {
        const Finished finished = portguard(row.words);
        EXPECT_TRUE(finished.exited_with(2)) << finished;
        EXPECT_NE(finished.err.find(row.says), std::string::npos) << finished;
    }
}

TEST_F(LeaseCommand, SaysWhenNothingKeepsThePort) {
    const Finished finished =
        run_process({.argv = {"/usr/bin/unshare", "--net", PORTGUARD_COMMAND, "lease", "web", plan}});
    EXPECT_TRUE(finished.exited_with(1)) << finished;
    EXPECT_NE(finished.err.find("loopback interface is down"), std::string::npos) << finished;
}

TEST_F(LeaseCommand, OfTwoUsersNeverGivesOnePortTwice) {
    const InstalledCopy copy;
    std::set<int> ports;
    constexpr int names = 10;
    for (int name = 0; name < names; ++name) {
        for (const char* const user : {"0", "12345"}) {
            const Finished finished = run_process(
                {.argv = {"setpriv", std::string("--reuid=") + user, "--clear-groups", copy.command(),
                          "lease", "name" + std::to_string(name), "--config=/dev/null", plan}});
            EXPECT_TRUE(finished.exited_with(0)) << finished;
            for (const int port : ports_in(finished.out)) {
                EXPECT_TRUE(ports.insert(port).second) << port << " was given before";
            }
        }
    }
    EXPECT_EQ(ports.size(), 2U * names);
}

} // namespace
} // namespace portguard::test
