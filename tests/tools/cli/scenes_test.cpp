// The command as people use it: from a script, in a pipe, on a small terminal, interrupted.
#include <algorithm>
#include <csignal>
#include <sstream>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/terminal.h"
#include "tools/cli/command.h"
#include "tools/support/port_command.h"

namespace portguard::test {
namespace {

using Scripted = PortCommand;

TEST_F(Scripted, ProgramsEndAsTheyWould) {
    for (const char* const command : {"run", "ci"}) {
        for (const int status : {0, 1, 2, 3, 126, 127, 255}) {
            const Finished finished =
                portguard({command, "--", "sh", "-c", "exit " + std::to_string(status)});
            EXPECT_TRUE(finished.exited_with(status)) << finished;
        }
        EXPECT_TRUE(portguard({command, "--", "/nowhere"}).exited_with(127));
        EXPECT_TRUE(portguard({command, "--", "/etc/passwd"}).exited_with(126));
        EXPECT_TRUE(
            portguard({command, "--front-end=preload", "--", PORTGUARD_STATIC_PROGRAM}).exited_with(3));
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

TEST_F(AtTerminal, OfTwentyColumnsWhoFitsAndAPortIsWhole) {
    const Fd server = listener(loopback(contested));
    for (const Words& words : {Words{"who"}, Words{"who", "10000"}, Words{"who", "10001"}}) {
        Terminal terminal = start(words, 20);
        const Words lines = lines_of(terminal);
        for (const std::string& line : lines) {
            // A word stays whole, so that it can be copied.
            const bool is_word = line.find(' ', line.find_first_not_of(' ')) == std::string::npos;
            EXPECT_TRUE(columns_of(line) <= 20 || is_word) << line;
        }
        EXPECT_NE(terminal.written().find(words.size() == 1 ? "127.0.0.1:10000 " : words[1]),
                  std::string::npos)
            << terminal.written();
    }
    Terminal terminal = start({"check"}, 20);
    terminal.wait_for_end();
    EXPECT_NE(terminal.written().find("10000"), std::string::npos) << terminal.written();
}

TEST_F(AtTerminal, TooNarrowForAListLeavesOutColumnsAndSaysSo) {
    const Fd server = listener(loopback(contested));
    Terminal terminal = start({"who"}, 60);
    const Words lines = lines_of(terminal);
    ASSERT_EQ(lines.size(), 2U) << terminal.written();
    EXPECT_TRUE(lines[0].starts_with("PROTO STATE") && lines[0].ends_with(" …")) << lines[0];
    EXPECT_EQ(lines[0].find("COMMAND"), std::string::npos);
    EXPECT_TRUE(lines[1].starts_with("tcp   LISTEN 127.0.0.1:10000 ")) << lines[1];
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

TEST_F(AtTerminal, ProgressLeavesRoomForTheKeyThatEndsIt) {
    const Fd server = listener(loopback(contested));
    Terminal terminal = start({"who", "--wait=1h", "10000"}, 40);
    ASSERT_TRUE(eventually([&] { return terminal.written().ends_with("LISTEN"); })) << terminal.written();
    // "^C" in the last columns would end on a line that nothing erases.
    const std::string erased = "\x1b[K";
    const std::string line = terminal.written().substr(terminal.written().rfind(erased) + erased.size());
    EXPECT_LE(columns_of(line), 37U) << line;
}

TEST_F(AtTerminal, CtrlCEndsAtAnyMomentAndLeavesNothingThere) {
    const Fd server = listener(loopback(contested));
    const std::string recorded = PORTGUARD_CORPUS "/own_time_wait.json";
    for (const Words& words :
         {Words{"who", "--wait=1h", "10000"}, Words{"check", "--sample=1h"}, Words{"hold", "10001"},
          Words{"map", "--watch=1h"}, Words{"repro", recorded, "--probe", "--with-fix=wait"}}) {
        for (int moment = 0; moment < 10; ++moment) {
            Terminal terminal = start(words, 80);
            ::usleep(static_cast<useconds_t>(moment) * 3000);
            // Before the program is there, the key would be read by nobody.
            eventually([&, tries = 0]() mutable {
                if (tries++ % 50 == 0) {
                    terminal.type("\x03");
                }
                siginfo_t end{};
                const auto pid = static_cast<id_t>(terminal.pid());
                return ::waitid(P_PID, pid, &end, WEXITED | WNOHANG | WNOWAIT) == 0 && end.si_pid != 0;
            });
            const int status = terminal.wait_for_end();
            EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT) << status;
            EXPECT_TRUE(terminal.is_cooked());
            const std::string& written = terminal.written();
            const std::string last =
                written.substr(written.rfind('\r') == std::string::npos ? 0 : written.rfind('\r'));
            // With each key the terminal drops what it has not shown yet, the end of the line among it.
            const bool is_one_key = last.find("^C") == last.rfind("^C");
            EXPECT_TRUE(last.find("portguard:") == std::string::npos || !is_one_key) << written;
        }
    }
}

/// At three in the morning: 300 listeners, and one of them with 5,100 connections.
class BusyHost : public AtTerminal {
protected:
    static constexpr std::uint16_t first = 20000;
    static constexpr std::size_t connections = 5100;

    void SetUp() override {
        AtTerminal::SetUp();
        rlimit limit{};
        ::getrlimit(RLIMIT_NOFILE, &limit);
        constexpr rlim_t needed = 2 * connections + 500;
        limit.rlim_cur = std::max(limit.rlim_cur, needed);
        limit.rlim_max = std::max(limit.rlim_max, needed);
        if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
            PORTGUARD_SKIP("this user may not have so many descriptors");
        }
        for (std::uint16_t port = first; port < first + 300; ++port) {
            servers_.push_back(listener(loopback(port)));
        }
        for (std::size_t count = 0; count < connections; ++count) {
            clients_.push_back(connect_pair(servers_.front()));
        }
    }

    static auto lines_in(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

    std::vector<Fd> servers_;
    std::vector<Connection> clients_;
};

TEST_F(BusyHost, IsAScreenForOnePort) {
    const Finished finished = portguard({"who", "20000"});
    EXPECT_LE(lines_in(finished.out), 24) << finished;
    EXPECT_NE(finished.out.find("5100 accepted connections"), std::string::npos) << finished;
    EXPECT_NE(finished.out.find("listens on 299 other ports as well"), std::string::npos) << finished;
    EXPECT_EQ(finished.out.find("missing"), std::string::npos) << "what is not shown is not asked for";
    for (const Words& words : {Words{"who", "20000"}, Words{"map"}, Words{"check"}}) {
        for (const unsigned short columns : std::initializer_list<unsigned short>{80, 200}) {
            Terminal terminal = start(words, columns);
            terminal.wait_for_end();
            EXPECT_LE(lines_in(terminal.written()), 24) << terminal.written();
        }
    }
}

TEST_F(BusyHost, IsALineForEachListenerAndAnObjectForEachHolder) {
    const Finished all = portguard({"who", "--no-headers"});
    EXPECT_EQ(lines_in(all.out), 300) << all;
    EXPECT_EQ(all.err, "") << "each flag is read";
    EXPECT_EQ(json_of(portguard({"who", "--json", "20000"}))["holders"].size(), connections + 1);
    EXPECT_GT(lines_in(portguard({"who", "-v", "20000"}).out), 10000);
}

} // namespace
} // namespace portguard::test
