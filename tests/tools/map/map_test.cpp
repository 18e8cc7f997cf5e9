// `portguard map` on real sockets in a network of the test's own.
#include <filesystem>
#include <sstream>

#include <sys/stat.h>

#include "support/child.h"
#include "support/private_net.h"
#include "support/sockets.h"
#include "tools/support/command.h"
#include "tools/support/sample_traffic.h"
#include "tools/support/schema.h"

namespace portguard::test {
namespace {

using Json = nlohmann::json;

class MapCommand : public PrivateNetTest {
protected:
    static Json map(Words words = {}, int exit_status = 0) {
        words.insert(words.begin(), "map");
        return json_answer(words, exit_status);
    }
};

/// How many sockets ss(8) shows.
int count_of_ss(const Words& options) {
    Words argv{"ss", "-Hn"};
    argv.insert(argv.end(), options.begin(), options.end());
    const std::string out = run_process({.argv = argv}).out;
    return static_cast<int>(std::count(out.begin(), out.end(), '\n'));
}

const Json& use_of(const Json& answer, int port) {
    static const Json none;
    for (const Json& entry : answer["ports"]) {
        if (entry["port"] == port) {
            return entry;
        }
    }
    return none;
}

TEST_F(MapCommand, AgreesWithSsOnTheNumbers) {
    const SampleTraffic traffic;
    const Json totals = map()["totals"];
    EXPECT_EQ(totals["listener"], count_of_ss({"-tl"}));
    EXPECT_EQ(totals["incoming"], count_of_ss({"-t", "state", "connected", "sport", "=", "8080"}));
    EXPECT_EQ(totals["outgoing"], count_of_ss({"-t", "state", "established", "dport", "=", "8080"}));
    EXPECT_EQ(totals["time_wait"], count_of_ss({"-t", "state", "time-wait"}));
    EXPECT_EQ(totals["udp"], count_of_ss({"-ua"}));
    EXPECT_EQ(totals["outgoing"], 7);
    EXPECT_EQ(totals["time_wait"], 3);
}

TEST_F(MapCommand, TellsUseStateAndProcessOfEachPort) {
    const Fd server = listener(flagged(tcp_socket()), wildcard(8080));
    const Connection connection = connect_pair(server);
    const Json answer = map();
    const Json& listening = use_of(answer, 8080);
    EXPECT_EQ(listening["use"], "listener");
    EXPECT_EQ(listening["states"], Json({{"LISTEN", 1}, {"ESTABLISHED", 1}}));
    const Json& outgoing = use_of(answer, local_port(connection.client));
    EXPECT_EQ(outgoing["use"], "outgoing");
    EXPECT_EQ(outgoing["processes"][0]["pid"], ::getpid());
}

TEST_F(MapCommand, AListenerInsideTheKernelsRangeIsACollision) {
    const Fd server = listener(flagged(tcp_socket()), wildcard(40000));
    const Json answer = map({}, 1);
    ASSERT_EQ(answer["collisions"].size(), 1U);
    EXPECT_EQ(answer["collisions"][0]["id"], "listener-in-ephemeral-range");
    EXPECT_EQ(answer["collisions"][0]["ports"], "40000");
    EXPECT_EQ(answer["collisions"][0]["processes"][0]["pid"], ::getpid());
    EXPECT_EQ(use_of(answer, 40000)["collision"], "listener-in-ephemeral-range");
}

TEST_F(MapCommand, AReservedPortInsideTheRangeIsNone) {
    set_sysctl("ipv4/ip_local_reserved_ports", "40000");
    const Fd server = listener(flagged(tcp_socket()), wildcard(40000));
    EXPECT_EQ(map()["host"]["ip_local_reserved_ports"], "40000");
}

TEST_F(MapCommand, AListenerInsideThePlannedRangeIsACollisionAsCheckSaysToo) {
    const Fd server = listener(flagged(tcp_socket()), wildcard(20000));
    EXPECT_EQ(map({"--ephemeral=15000-65000"}, 1)["collisions"][0]["ports"], "20000");
    EXPECT_TRUE(portguard({"check", "--ephemeral=15000-65000"}).exited_with(1));
    map();
}

TEST_F(MapCommand, AnOutgoingConnectionInsideListenIsACollision) {
    const Fd server = listener(flagged(tcp_socket()), wildcard(8080));
    Fd client = tcp_socket();
    ASSERT_EQ(bind_to(client, loopback(5001)), success);
    Connection connection = connect_pair(server, std::move(client));
    const Finished text = portguard({"map", "--listen=5000-6000"});
    EXPECT_TRUE(text.exited_with(1)) << text;
    EXPECT_NE(text.out.find("! port 5001: "), std::string::npos) << text;
    into_time_wait(std::move(connection.client), std::move(connection.server));
    EXPECT_EQ(map({"--listen=5000-6000"}, 1)["collisions"][0]["id"], "time-wait-in-listen");
}

TEST_F(MapCommand, FitsATerminalOfEightyByTwentyFour) {
    std::vector<Fd> servers;
    for (std::uint16_t port = 33000; port < 33200; ++port) {
        servers.push_back(listener(flagged(tcp_socket()), wildcard(port)));
    }
    std::vector<std::uint16_t> ports;
    for (const Words& words : {Words{"map"}, Words{"map", "--listen=1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,"
                                                          "31,33,35,37,39,41,43,45,47,49,51,53,55"}}) {
        std::istringstream lines(portguard(words).out);
        int count = 0;
        for (std::string line; std::getline(lines, line); ++count) {
            EXPECT_LE(line.size(), 80U) << line;
            EXPECT_EQ(line.find('\033'), std::string::npos) << "colours without a terminal";
        }
        EXPECT_LE(count, 23) << "the prompt needs a line too";
        EXPECT_GE(count, 20);
    }
}

TEST_F(MapCommand, WideIsWider) {
    std::istringstream lines(portguard({"map", "--wide"}).out);
    std::size_t longest = 0;
    for (std::string line; std::getline(lines, line);) {
        longest = std::max(longest, line.size());
    }
    EXPECT_GT(longest, 80U);
    EXPECT_LE(longest, 160U);
}

TEST_F(MapCommand, LooksIntoAnotherNamespace) {
    const Fd server = listener(flagged(tcp_socket()), wildcard(40000));
    const ParkedChild inside([] {});
    const PrivateNet elsewhere;
    ASSERT_EQ(elsewhere.unavailable(), "");
    map();
    map({"--netns=" + std::to_string(inside.pid())}, 1);
}

struct BadWord {
    Words words;
    Words parts;
};

TEST_F(MapCommand, AnswersBadInputWithOneSentence) {
    for (const BadWord& bad :
         {BadWord{{"--watch"}, {"--watch", "standard output is not one"}},
          BadWord{{"--watch=0"}, {"watch=0", "30s"}}, BadWord{{"--watch=abc"}, {"watch=abc"}},
          BadWord{{"--watch", "--json"}, {"--watch", "--json"}},
          BadWord{{"--watch", "2"}, {"'2'", "takes only options"}},
          BadWord{{"--svg=-", "--json"}, {"--svg=-", "--json"}}, BadWord{{"--svg="}, {"svg="}},
          BadWord{{"--svg"}, {"--svg has no value"}}, BadWord{{"--listen=0"}, {"'0'"}},
          BadWord{{"--listen=70000"}, {"'70000'"}}, BadWord{{"--ephemeral=9-1"}, {"reversed"}},
          BadWord{{"--netns=no-such"}, {"netns=no-such"}}, BadWord{{"--wide=yes"}, {"--wide"}},
          BadWord{{"8080"}, {"'8080'"}}}) {
        Words words = bad.words;
        words.insert(words.begin(), "map");
        EXPECT_TRUE(refused_with(portguard(words), 2, bad.parts));
    }
}

} // namespace
} // namespace portguard::test
