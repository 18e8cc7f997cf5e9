// `portguard map --watch` at a terminal: it draws on the other screen, and gives the terminal back as it was.
#include <csignal>

#include <sys/wait.h>

#include "support/private_net.h"
#include "support/sockets.h"
#include "support/terminal.h"
#include "support/waiting.h"
#include "tools/support/command.h"

namespace portguard::test {
namespace {

constexpr std::string_view other_screen = "\033[?1049h";
constexpr std::string_view own_screen = "\033[?1049l";
constexpr std::string_view shown_cursor = "\033[?25h";
constexpr std::string_view home = "\033[H";

std::size_t count_of(std::string_view part, std::string_view text) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) {
        ++count;
    }
    return count;
}

class MapWatch : public PrivateNetTest {
protected:
    static Terminal at_terminal(Words words, const std::string& variable = "COLORTERM") {
        words.insert(words.begin(), {PORTGUARD_COMMAND, "map"});
        return {words,
                {"PORTGUARD_CONFIG=/dev/null", "LC_ALL=C.UTF-8", "NO_COLOR", "TERM=xterm-256color", variable},
                80,
                24};
    }

    static bool draws(Terminal& terminal, std::size_t pictures) {
        return eventually([&] { return count_of(home, terminal.written()) >= pictures; });
    }

    static void expect_restored(Terminal& terminal) {
        const std::string& written = terminal.written();
        EXPECT_EQ(count_of(other_screen, written), count_of(own_screen, written));
        EXPECT_TRUE(written.ends_with(own_screen)) << written.substr(written.size() - 40);
        EXPECT_NE(written.rfind(shown_cursor), std::string::npos);
        EXPECT_TRUE(terminal.is_cooked());
    }
};

TEST_F(MapWatch, DrawsAgainOnTheOtherScreenUntilQ) {
    Terminal terminal = at_terminal({"--watch=20ms"});
    ASSERT_TRUE(draws(terminal, 3));
    EXPECT_TRUE(terminal.written().starts_with(other_screen));
    EXPECT_FALSE(terminal.is_cooked());
    terminal.type("q");
    const int status = terminal.wait_for_end();
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    expect_restored(terminal);
}

TEST_F(MapWatch, SeesACollisionComeAndTellsItInTheExitStatus) {
    Terminal terminal = at_terminal({"--watch=20ms"});
    ASSERT_TRUE(draws(terminal, 1));
    EXPECT_EQ(terminal.written().find("listens inside"), std::string::npos);
    const Fd server = listener(wildcard(40000));
    ASSERT_TRUE(eventually([&] { return terminal.written().find("listens inside") != std::string::npos; }));
    terminal.type("q");
    const int status = terminal.wait_for_end();
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1) << status;
}

TEST_F(MapWatch, CtrlCAndSigtermGiveTheTerminalBack) {
    for (const int number : {SIGINT, SIGTERM}) {
        Terminal terminal = at_terminal({"--watch=1h"});
        ASSERT_TRUE(draws(terminal, 1));
        if (number == SIGINT) {
            terminal.type("\x03");
        } else {
            ::kill(terminal.pid(), number);
        }
        const int status = terminal.wait_for_end();
        EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == number) << status;
        expect_restored(terminal);
    }
}

TEST_F(MapWatch, CtrlZGivesTheTerminalBackMeanwhile) {
    Terminal terminal = at_terminal({"--watch=1h"});
    ASSERT_TRUE(draws(terminal, 1));
    terminal.type("\x1a");
    int status = 0;
    ASSERT_TRUE(eventually([&] { return ::waitpid(terminal.pid(), &status, WUNTRACED | WNOHANG) > 0; }));
    ASSERT_TRUE(WIFSTOPPED(status)) << status;
    expect_restored(terminal);
    ::kill(terminal.pid(), SIGCONT);
    ASSERT_TRUE(draws(terminal, 2));
    terminal.type("q");
    terminal.wait_for_end();
    expect_restored(terminal);
}

TEST_F(MapWatch, AnotherSizeIsDrawnAtOnce) {
    Terminal terminal = at_terminal({"--watch=1h", "--wide"});
    ASSERT_TRUE(draws(terminal, 1));
    EXPECT_NE(terminal.written().find("a cell is 100 ports"), std::string::npos) << terminal.written();
    terminal.resize(160, 48);
    ASSERT_TRUE(
        eventually([&] { return terminal.written().find("a cell is 20 ports") != std::string::npos; }));
    terminal.resize(30, 8);
    ASSERT_TRUE(draws(terminal, 3));
    const std::string last = terminal.written().substr(terminal.written().rfind(home));
    EXPECT_LE(count_of("\n", last), 7U) << "a line too many scrolls";
    EXPECT_NE(last.find(" more lines; "), std::string::npos) << last;
    terminal.type("q");
    terminal.wait_for_end();
}

TEST_F(MapWatch, AMapOnATerminalIsColouredUnlessNoColorIsSet) {
    Terminal coloured = at_terminal({});
    coloured.wait_for_end();
    EXPECT_NE(coloured.written().find("\033[0;38;5;"), std::string::npos);
    EXPECT_LE(count_of("\n", coloured.written()), 23U);
    Terminal plain = at_terminal({}, "NO_COLOR=1");
    plain.wait_for_end();
    EXPECT_EQ(plain.written().find('\033'), std::string::npos);
    EXPECT_NE(plain.written().find("= ephemeral"), std::string::npos);
}

} // namespace
} // namespace portguard::test
