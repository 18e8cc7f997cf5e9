// `portguard hold --state`: each condition is the kernel's own.
#include <algorithm>
#include <cerrno>

#include "tools/support/port_command.h"

namespace portguard::test {
namespace {

struct StateCase {
    const char* word;
    const char* shown;
};

class HoldState : public PortCommand, public testing::WithParamInterface<StateCase> {};

INSTANTIATE_TEST_SUITE_P(
    All, HoldState,
    testing::Values(StateCase{"listen", "LISTEN"}, StateCase{"bound", "BOUND"},
                    StateCase{"established", "ESTABLISHED"}, StateCase{"time-wait", "TIME_WAIT"},
                    StateCase{"close-wait", "CLOSE_WAIT"}, StateCase{"fin-wait1", "FIN_WAIT1"},
                    StateCase{"fin-wait", "FIN_WAIT2"}, StateCase{"syn-sent", "SYN_SENT"},
                    StateCase{"closing", "CLOSING"}, StateCase{"last-ack", "LAST_ACK"},
                    StateCase{"v6-wildcard", "LISTEN"}, StateCase{"udp", "UNCONN"}),
    [](const auto& tested) {
        std::string name = tested.param.word;
        std::replace(name.begin(), name.end(), '-', '_');
        return name;
    });

TEST_P(HoldState, IsThereOnceItSaysReady) {
    const std::string word = GetParam().word;
    ReadyCommand hold({"hold", "10000", "--state", word, "--for=1h"});
    ASSERT_TRUE(hold.is_ready()) << hold.process().err();
    Words who{"who", "--json", "10000"};
    if (word == "udp") {
        who.emplace_back("--udp");
    }
    const Finished finished = portguard(who);
    EXPECT_TRUE(finished.exited_with(1)) << finished;
    ASSERT_EQ(json_of(finished)["holders"].size(), 1U) << finished;
    EXPECT_EQ(json_of(finished)["holders"][0]["state"], GetParam().shown) << finished;
    EXPECT_EQ(json_of(finished)["plain_bind"], "EADDRINUSE") << finished;
    if (word != "udp") {
        EXPECT_EQ(json_of(finished)["reuseaddr_bind"], "EADDRINUSE") << finished;
    }
}

TEST_P(HoldState, EndsWithItsInput) {
    const std::string command =
        "echo | " + std::string(PORTGUARD_COMMAND) + " hold 10000 --state=" + GetParam().word;
    const Finished finished = run_process({.argv = {"sh", "-c", command}});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_EQ(finished.out, "ready\n");
}

TEST_F(PortCommand, ASharedStateIsSharedByWhoeverHasSoReuseportAsWell) {
    ReadyCommand hold({"hold", "10000", "--state=listen", "--shared", "--for=1h"});
    ASSERT_TRUE(hold.is_ready()) << hold.process().err();
    EXPECT_EQ(bind_to(tcp_socket(), wildcard(contested)), Outcome{EADDRINUSE});
    const Fd sharing = tcp_socket();
    ASSERT_EQ(set_option(sharing, SOL_SOCKET, SO_REUSEPORT, 1), success);
    EXPECT_EQ(bind_to(sharing, wildcard(contested)), success);
}

TEST_F(PortCommand, AStateOnATakenPortIsAFinding) {
    const Fd server = listener(loopback(contested));
    EXPECT_TRUE(refused_with(portguard({"hold", "10000", "--state=listen", "--for=1s"}), 1,
                             {"0.0.0.0:10000", "EADDRINUSE", "portguard who 10000"}));
}

} // namespace
} // namespace portguard::test
