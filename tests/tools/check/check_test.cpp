// `portguard check` on real sockets in a network of the test's own.
#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <sstream>
#include <stdexcept>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "support/child.h"
#include "support/private_net.h"
#include "support/sockets.h"
#include "tools/support/command.h"
#include "tools/support/sample_traffic.h"
#include "tools/support/schema.h"

namespace portguard::test {
namespace {

using Json = nlohmann::json;

class CheckCommand : public PrivateNetTest {
protected:
    static Json check(Words words = {}, int exit_status = 1) {
        words.insert(words.begin(), "check");
        return json_answer(words, exit_status);
    }

    static Json finding(const Json& answer, std::string_view id) {
        for (const Json& entry : answer["findings"]) {
            if (entry["id"] == id) {
                return entry;
            }
        }
        return nullptr;
    }
};

/// How many sockets ss(8) shows, by state.
std::map<std::string, int> counts_of_ss(const std::string& options) {
    const Finished finished = run_process({.argv = {"ss", "-Hn", options}});
    std::map<std::string, int> counts;
    std::istringstream lines(finished.out);
    for (std::string line; std::getline(lines, line);) {
        ++counts[line.substr(0, line.find(' '))];
    }
    return counts;
}

TEST_F(CheckCommand, AgreesWithSsOnTheNumbers) {
    const SampleTraffic traffic;
    const Json sockets = check({}, 0)["sockets"];
    const auto tcp = counts_of_ss("-ta");
    EXPECT_EQ(sockets["tcp"].value("LISTEN", 0), tcp.at("LISTEN"));
    EXPECT_EQ(sockets["tcp"].value("ESTABLISHED", 0), tcp.at("ESTAB"));
    EXPECT_EQ(sockets["tcp"].value("TIME_WAIT", 0), tcp.at("TIME-WAIT"));
    EXPECT_EQ(tcp.at("ESTAB"), 14);
    EXPECT_EQ(sockets["udp"].value("UNCONN", 0), counts_of_ss("-ua").at("UNCONN"));
}

TEST_F(CheckCommand, NamesTheProcessOfAListenerInTheRangeAndACommandThatMendsIt) {
    const Fd server = listener(flagged(tcp_socket()), wildcard(40000));
    const Json found = finding(check(), "listener-in-ephemeral-range");
    ASSERT_TRUE(found.is_object());
    EXPECT_EQ(found["ports"], "40000");
    EXPECT_EQ(found["processes"][0]["pid"], ::getpid());
    const std::string fix = found["fix"].get<std::string>();
    const Finished mended = run_process({.argv = {"sh", "-c", fix}});
    EXPECT_TRUE(mended.exited_with(0)) << mended;
    EXPECT_TRUE(finding(check({}, 0), "listener-in-ephemeral-range").is_null());
}

TEST_F(CheckCommand, TheOtherRangeThatItNamesMendsItAsWell) {
    const Fd server = listener(flagged(tcp_socket()), wildcard(40000));
    const std::string fix = finding(check(), "listener-in-ephemeral-range")["fix"].get<std::string>();
    const std::size_t other = fix.find("# or: ");
    ASSERT_NE(other, std::string::npos) << fix;
    ASSERT_TRUE(run_process({.argv = {"sh", "-c", fix.substr(other + 6)}}).exited_with(0));
    check({}, 0);
}

TEST_F(CheckCommand, FindsAConnectionThatSitsOnAListenPort) {
    const Fd server = listener(flagged(tcp_socket()), wildcard(8080));
    Fd client = tcp_socket();
    ASSERT_EQ(bind_to(client, loopback(5001)), success);
    const Connection connection = connect_pair(server, std::move(client));
    const Json found = finding(check({"--listen=5000-6000"}), "outgoing-in-listen");
    ASSERT_TRUE(found.is_object());
    EXPECT_EQ(found["ports"], "5001");
    EXPECT_EQ(found["processes"][0]["pid"], ::getpid());
}

TEST_F(CheckCommand, SeesAListenerWithoutSoReuseaddr) {
    const Fd server = listener(wildcard(8080));
    EXPECT_EQ(finding(check(), "listener-without-reuseaddr")["ports"], "8080");
}

TEST_F(CheckCommand, LeavesOutWhatTakesRootAndSaysSo) {
    const Fd server = listener(wildcard(8080));
    const Finished finished = portguard({"check"}, {.before_exec = [] { become_user(65534); }});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_NE(finished.out.find("left out: the processes of 1 socket of other users (run as root)"),
              std::string::npos)
        << finished;
}

TEST_F(CheckCommand, CountsConnectionsWhileItSamples) {
    const Fd server = listener(flagged(tcp_socket()), wildcard(8080));
    Process command(command_spec({"check", "--sample=300ms", "--json"}));
    const ParkedChild done([] {});
    std::vector<Connection> connections;
    for (int count = 0; count < 50; ++count) {
        connections.push_back(connect_pair(server));
    }
    const Finished finished = command.finish();
    const Json answer = Json::parse(finished.out);
    EXPECT_TRUE(answer["connects_per_second"].is_number()) << finished;
}

TEST_F(CheckCommand, LooksIntoAnotherNamespace) {
    const Fd server = listener(flagged(tcp_socket()), wildcard(40000));
    const ParkedChild inside([] {});
    const PrivateNet elsewhere;
    ASSERT_EQ(elsewhere.unavailable(), "");
    check({}, 0);
    const Json found =
        finding(check({"--netns=" + std::to_string(inside.pid())}), "listener-in-ephemeral-range");
    ASSERT_TRUE(found.is_object());
    EXPECT_TRUE(found["fix"].get<std::string>().starts_with("nsenter --net --target ")) << found;
}

TEST_F(CheckCommand, FitsATerminal) {
    const Fd server = listener(wildcard(40000));
    std::istringstream lines(portguard({"check", "--listen=80,5000-14999,40000"}).out);
    for (std::string line; std::getline(lines, line);) {
        const bool is_command = line.find(" $ ") != std::string::npos ||
                                line.find("# or") != std::string::npos ||
                                line.find("# for good") != std::string::npos;
        EXPECT_TRUE(line.size() <= 80 || is_command) << line;
    }
}

TEST_F(CheckCommand, ExplainsEqualFindingsOnceAboveTheirSubjects) {
    std::vector<Fd> servers;
    std::vector<std::unique_ptr<ParkedChild>> processes;
    // A process each, since the ports of one are one finding.
    for (std::uint16_t port = 8080; port < 8090; ++port) {
        processes.push_back(
            std::make_unique<ParkedChild>([port] { static const Fd server = listener(wildcard(port)); }));
    }
    const std::string text = portguard({"check"}).out;
    EXPECT_NE(text.find("listener-without-reuseaddr (10 times)\n"), std::string::npos) << text;
    const auto count_of = [&text](std::string_view part) {
        std::size_t count = 0;
        for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
            ++count;
        }
        return count;
    };
    EXPECT_EQ(count_of("TIME_WAIT, will keep it from"), 1U) << text;
    EXPECT_EQ(count_of("# for good: "), 1U) << text;
    EXPECT_EQ(count_of(" without SO_REUSEADDR.\n"), 10U) << text;
    EXPECT_EQ(count_of("$ portguard rescue --listener 80"), 10U) << text;
}

TEST_F(CheckCommand, IsSilentWhereOnlyTheStatusIsWanted) {
    const Fd server = listener(wildcard(40000));
    const Finished finished = portguard({"check", "-q"});
    EXPECT_TRUE(finished.exited_with(1)) << finished;
    EXPECT_EQ(finished.out + finished.err, "");
}

struct BadWord {
    Words words;
    const char* part;
};

TEST_F(CheckCommand, AnswersBadInputWithOneSentence) {
    for (const BadWord& bad :
         {BadWord{{"check", "--sample=abc"}, "sample=abc"}, BadWord{{"check", "--sample=0"}, "sample=0"},
          BadWord{{"check", "--listen=0"}, "'0'"}, BadWord{{"check", "--listen=70000"}, "'70000'"},
          BadWord{{"check", "--ephemeral=9-1"}, "reversed"},
          BadWord{{"check", "--netns=no-such"}, "netns=no-such"},
          BadWord{{"check", "--config=/nowhere"}, "config=/nowhere"}, BadWord{{"check", "8080"}, "'8080'"},
          BadWord{{"check", "--all-namespaces", "--netns=1"}, "beside --netns"},
          BadWord{{"check", "--all-namespaces", "--sample=1s"}, "beside --sample"},
          BadWord{{"check", "--problem-detector", "--json"}, "beside --json"},
          BadWord{{"check", "--problem-detector", "-q"}, "beside --quiet"}}) {
        EXPECT_TRUE(refused_with(portguard(bad.words), 2, {bad.part}));
    }
}

TEST_F(CheckCommand, AgreesWithWhoOnWhichSideOpenedAConnection) {
    Fd server = listener(loopback(5500));
    const Connection accepted = connect_pair(server);
    const Fd other = listener(loopback(9000));
    Fd client = tcp_socket();
    ASSERT_EQ(bind_to(client, loopback(5501)), success);
    const Connection outgoing = connect_pair(other, std::move(client));
    server.reset();
    const Json found = finding(check({"--listen=5500-5501"}), "outgoing-in-listen");
    ASSERT_TRUE(found.is_object());
    EXPECT_EQ(found["ports"], "5501") << "a listener that is gone accepted the connection on 5500";
    EXPECT_EQ(json_answer({"who", "127.0.0.1:5500"}, 1)["cause"], "dying_server");
    EXPECT_EQ(json_answer({"who", "127.0.0.1:5501"}, 1)["cause"], "outgoing_connection");
}

TEST_F(CheckCommand, AnswersNodeProblemDetectorWithOneLineAndAStatus) {
    const Finished well = portguard({"check", "--problem-detector"});
    EXPECT_TRUE(well.exited_with(0)) << well;
    EXPECT_EQ(well.out, "no port collides\n");
    const Fd server = listener(flagged(tcp_socket()), wildcard(40000));
    const Fd other = listener(wildcard(8080));
    const Finished found = portguard({"check", "--problem-detector"});
    EXPECT_TRUE(found.exited_with(1)) << found;
    EXPECT_EQ(found.out, "1 error, 1 warning: listener-in-ephemeral-range 40000\n");
    EXPECT_TRUE(portguard({"check", "--problem-detector", "--fail-on=never"}).exited_with(0));
}

TEST_F(CheckCommand, CutsTheLineForNodeProblemDetectorAtEightyCharacters) {
    std::vector<Fd> servers;
    for (std::uint16_t port = 40000; port < 40030; port += 2) {
        servers.push_back(listener(flagged(tcp_socket()), wildcard(port)));
    }
    const Finished finished = portguard({"check", "--problem-detector"});
    EXPECT_EQ(finished.out.size(), 80U) << finished;
    EXPECT_TRUE(finished.out.ends_with("...\n")) << finished;
    EXPECT_EQ(std::count(finished.out.begin(), finished.out.end(), '\n'), 1);
}

/// As RestrictAddressFamilies= of systemd does it.
void forbid_netlink() {
    const std::array<sock_filter, 6> code{{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    }};
    const sock_fprog program{code.size(), const_cast<sock_filter*>(code.data())};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        throw std::runtime_error("no seccomp filter");
    }
}

TEST_F(CheckCommand, TellsNodeProblemDetectorThatNothingIsKnown) {
    const Finished finished = portguard({"check", "--problem-detector"}, {.before_exec = forbid_netlink});
    EXPECT_TRUE(finished.exited_with(2)) << finished;
    EXPECT_TRUE(finished.out.starts_with("unknown: IPv4 tcp sockets (")) << finished;
    EXPECT_LE(finished.out.size(), 80U);
    EXPECT_TRUE(portguard({"check", "--problem-detector", "--no-such"}).exited_with(2));
}

TEST_F(CheckCommand, TakesThePortsOfAListForListen) {
    const TemporaryFolder folder;
    const std::string list = folder.write("list", "web=80\nbad\nbus 5000-14999\n");
    const Finished finished = portguard({"check", "--json", "--list=" + list, "--listen=443"});
    EXPECT_EQ(nlohmann::json::parse(finished.out)["plan"]["listen"], "80,443,5000-14999") << finished;
    EXPECT_NE(finished.err.find("list:2: 'bad'"), std::string::npos) << finished;
}

} // namespace
} // namespace portguard::test
