// The command as people use it: from a script, in a pipe, on a small terminal, interrupted.
#include <algorithm>
#include <csignal>
#include <sstream>

#include <sys/wait.h>
#include <unistd.h>

#include "support/terminal.h"
#include "tools/cli/command.h"
#include "tools/support/port_command.h"

namespace portguard::test {
namespace {

using Json = nlohmann::json;
using Scripted = PortCommand;

struct Line {
    Words words;
    int exit_status;
};

TEST_F(Scripted, EveryAnswerIsJsonAndEveryStatusIsTheOneDocumented) {
    const Fd server = listener(loopback(contested));
    const Fd outgoing = listener(loopback(40000));
    const TemporaryFolder folder;
    const std::string log = folder.write("empty.log", "");
    const std::vector<Line> lines{{{"who"}, 0},
                                  {{"who", "10001"}, 0},
                                  {{"who", "10000"}, 1},
                                  {{"who", "9999-10001"}, 1},
                                  {{"check"}, 1},
                                  {{"check", "--fail-on=never"}, 0},
                                  {{"map"}, 1},
                                  {{"plan"}, 0},
                                  {{"config"}, 0},
                                  {{"version"}, 0},
                                  {{"events", log}, 0},
                                  {{"rescue", "--dry-run", "10001"}, 0},
                                  {{"rescue", "--dry-run", "10000"}, 1},
                                  {{"hold", "--for=10ms", "10002"}, 0},
                                  {{"hold", "--for=10ms", "10000,10002"}, 1}};
    for (const Line& line : lines) {
        Words words = line.words;
        words.emplace_back("--json");
        const Finished finished = portguard(words);
        EXPECT_TRUE(finished.exited_with(line.exit_status)) << testing::PrintToString(words) << finished;
        EXPECT_NE(finished.out, "") << finished;
        std::istringstream answers(finished.out);
        for (std::string answer; std::getline(answers, answer);) {
            EXPECT_TRUE(Json::accept(answer)) << answer;
            EXPECT_EQ(Json::parse(answer).value("schema", 0), 1) << answer;
        }
    }
}

TEST_F(Scripted, ProgramsEndAsTheyWould) {
    for (const char* const command : {"run", "ci"}) {
        for (const int status : {0, 1, 2, 3, 126, 127, 255}) {
            const Finished finished =
                portguard({command, "--", "sh", "-c", "exit " + std::to_string(status)});
            EXPECT_TRUE(finished.exited_with(status)) << finished;
        }
        EXPECT_TRUE(portguard({command, "--", "/nowhere"}).exited_with(127));
        EXPECT_TRUE(portguard({command, "--", "/etc/passwd"}).exited_with(126));
        EXPECT_TRUE(portguard({command, "--", PORTGUARD_STATIC_PROGRAM}).exited_with(3));
    }
}

TEST_F(Scripted, EveryCommandRefusesAnUnknownOptionWithTwo) {
    for (const tools::Command* const command : tools::all_commands()) {
        EXPECT_TRUE(refused_with(portguard({std::string(command->name), "--no-such"}), 2, {"'--no-such'"}));
        EXPECT_TRUE(refused_with(portguard({std::string(command->name), "-Z"}), 2, {"'-Z'"}));
    }
}

TEST_F(Scripted, AHeadThatHasReadEnoughIsNoError) {
    std::vector<Fd> servers;
    for (std::uint16_t port = 20000; port < 20300; ++port) {
        servers.push_back(listener(loopback(port)));
    }
    for (const std::string words :
         {"who", "who --json", "check --json", "map", "help run", "man run", "version"}) {
        const Finished finished =
            run_process({.argv = {"bash", "-c",
                                  std::string(PORTGUARD_COMMAND) + " " + words +
                                      " | head -n 1 >/dev/null; echo ${PIPESTATUS[0]}"}});
        EXPECT_EQ(finished.err, "") << words;
        const int status = std::stoi(finished.out);
        EXPECT_TRUE(status == 0 || status == 1 || status == 128 + SIGPIPE) << words << finished;
    }
}

class AtTerminal : public PortCommand {
protected:
    static Terminal start(Words words, unsigned short columns) {
        words.insert(words.begin(), PORTGUARD_COMMAND);
        return {words, {"PORTGUARD_CONFIG=/dev/null", "LC_ALL=C.UTF-8", "NO_COLOR=1"}, columns, 24};
    }

    /// Without the carriage returns of the terminal.
    static Words lines_of(Terminal& terminal) {
        terminal.wait_for_end();
        std::istringstream written(terminal.written());
        Words lines;
        for (std::string line; std::getline(written, line);) {
            lines.push_back(line.substr(0, line.find('\r')));
        }
        return lines;
    }

    static std::size_t columns_of(const std::string& text) {
        return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
            return (static_cast<unsigned char>(byte) & 0xc0U) != 0x80U;
        }));
    }
};

TEST_F(AtTerminal, NoLineIsWiderThanEightyColumnsButCommands) {
    const Fd server = listener(loopback(contested));
    for (const Words& words :
         {Words{"who"}, Words{"who", "10000"}, Words{"who", "10000-10005"}, Words{"check"}}) {
        Terminal terminal = start(words, 80);
        const Words lines = lines_of(terminal);
        EXPECT_FALSE(lines.empty());
        for (const std::string& line : lines) {
            const bool is_command = line.find(" $ ") != std::string::npos || line.starts_with("      # ");
            EXPECT_TRUE(columns_of(line) <= 80 || is_command) << line;
        }
    }
}

TEST_F(AtTerminal, OfTwentyColumnsAListFitsAndAPortIsWhole) {
    const Fd server = listener(loopback(contested));
    Terminal list = start({"who"}, 20);
    for (const std::string& line : lines_of(list)) {
        EXPECT_LE(columns_of(line), 20U) << line;
    }
    for (const Words& words : {Words{"who", "10000"}, Words{"check"}}) {
        Terminal terminal = start(words, 20);
        const Words lines = lines_of(terminal);
        EXPECT_TRUE(std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
            return line.find("10000") != std::string::npos;
        })) << terminal.written();
    }
}

TEST_F(AtTerminal, WaitingShowsWhatForAndIsGoneFromTheScreenAfterwards) {
    Fd server = listener(loopback(contested));
    Terminal terminal = start({"who", "--wait=1h", "10000"}, 200);
    EXPECT_TRUE(eventually([&] {
        return terminal.written().find("waiting at most 3600 s for TCP port 10000, held by ") !=
               std::string::npos;
    })) << terminal.written();
    server.reset();
    EXPECT_EQ(WEXITSTATUS(terminal.wait_for_end()), 0);
    EXPECT_NE(terminal.written().find("\r\x1b[KTCP port 10000 is free"), std::string::npos)
        << terminal.written();
}

TEST_F(AtTerminal, CtrlCEndsAtAnyMoment) {
    const Fd server = listener(loopback(contested));
    for (const Words& words :
         {Words{"who", "--wait=1h", "10000"}, Words{"check", "--sample=1h"}, Words{"hold", "10001"}}) {
        for (int moment = 0; moment < 10; ++moment) {
            Terminal terminal = start(words, 80);
            ::usleep(static_cast<useconds_t>(moment) * 3000);
            // Before the program is there, the key would be read by nobody.
            eventually([&] {
                terminal.type("\x03");
                siginfo_t end{};
                const auto pid = static_cast<id_t>(terminal.pid());
                return ::waitid(P_PID, pid, &end, WEXITED | WNOHANG | WNOWAIT) == 0 && end.si_pid != 0;
            });
            const int status = terminal.wait_for_end();
            EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT) << status;
            EXPECT_TRUE(terminal.is_cooked());
        }
    }
}

} // namespace
} // namespace portguard::test
