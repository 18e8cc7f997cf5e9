// The command that ends who holds the port: it ends all of them.
#include <csignal>
#include <string>

#include <sys/wait.h>

#include "explain/cause_fixture.h"

namespace portguard::test {
namespace {

class StopCure : public CauseTest {};

constexpr const char* a_listener = "l=socket();l.setsockopt(1,15,1);l.bind(('',10000));l.listen()";

TEST_F(StopCure, EveryProcessInTheWayIsToEnd) {
    const OtherProgram first(a_listener);
    const OtherProgram second(a_listener);
    cause_for(wildcard(port));
    const std::string one = std::to_string(first.pid());
    const std::string other = std::to_string(second.pid());
    EXPECT_TRUE(advises("kill " + one + " " + other) || advises("kill " + other + " " + one)) << written;
}

TEST_F(StopCure, AProcessThatASigtermDoesNotEndIsKilledOutright) {
    const OtherProgram stopped(a_listener);
    ASSERT_EQ(kill(stopped.pid(), SIGSTOP), 0);
    ASSERT_EQ(waitpid(stopped.pid(), nullptr, WUNTRACED), stopped.pid());
    cause_for(wildcard(port));
    EXPECT_TRUE(advises("kill -KILL " + std::to_string(stopped.pid()))) << written;
}

TEST_F(StopCure, AProcessThatIgnoresASigtermIsKilledOutright) {
    const OtherProgram deaf("import signal\nsignal.signal(15,signal.SIG_IGN)\n" + std::string(a_listener));
    cause_for(wildcard(port));
    EXPECT_TRUE(advises("kill -KILL " + std::to_string(deaf.pid()))) << written;
}

} // namespace
} // namespace portguard::test
