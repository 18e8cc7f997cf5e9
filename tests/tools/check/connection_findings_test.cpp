// Connections on listen ports, as `portguard check` has them: the cures are those of `portguard who`, and
// they work.
#include <set>
#include <sstream>

#include "support/child.h"
#include "support/private_net.h"
#include "support/sockets.h"
#include "tools/support/command.h"
#include "tools/support/schema.h"

namespace portguard::test {
namespace {

using Json = nlohmann::json;

constexpr std::uint16_t contested = 5001;

std::set<std::string> lines_of(const std::string& text, bool commands) {
    std::set<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        if (line.starts_with('#') != commands) {
            lines.insert(line);
        }
    }
    return lines;
}

class ConnectionFinding : public PrivateNetTest {
protected:
    static Json check(int exit_status = 1) {
        const Json answer = json_answer({"check", "--listen=5000-6000"}, exit_status);
        for (const Json& entry : answer["findings"]) {
            const std::string id = entry["id"];
            if (id.ends_with("-in-listen")) {
                return entry;
            }
        }
        return nullptr;
    }
    /// The commands of `who` for now.
    static std::set<std::string> cures_of_who(Words words = {}) {
        words.insert(words.begin(), "who");
        words.push_back(std::to_string(contested));
        std::set<std::string> commands;
        const Json answer = json_answer(words, 1);
        for (const Json& cure : answer["cures"]) {
            if (cure["when"] == "now") {
                commands.insert(cure["command"]);
            }
        }
        return commands;
    }
    static bool reserves(const Json& found) {
        return found["fix"].get<std::string>().find("ip_local_reserved_ports") != std::string::npos;
    }
    static bool says(const Json& found, std::string_view words) {
        return found["what"].get<std::string>().find(words) != std::string::npos;
    }
    static Connection connect_from(const Fd& server, const Address& address) {
        Fd client = tcp_socket(address.storage.ss_family);
        EXPECT_EQ(bind_to(client, address), success);
        return connect_pair(server, std::move(client));
    }
};

TEST_F(ConnectionFinding, OfAPortThatTheProgramChoseItselfReservesNone) {
    for (const int family : {AF_INET, AF_INET6}) {
        const Fd server = listener(loopback(8080, family));
        const Connection connection = connect_from(server, loopback(contested, family));
        const Json found = check();
        ASSERT_TRUE(found.is_object());
        EXPECT_EQ(found["id"], "outgoing-in-listen");
        EXPECT_FALSE(reserves(found)) << found;
        EXPECT_TRUE(says(found, "its program bound that port itself")) << found;
        EXPECT_EQ(lines_of(found["fix"], true), cures_of_who()) << found;
        EXPECT_EQ(lines_of(found["fix"], true).count("portguard rescue 5001"), 1U) << found;
        reset_on_close(connection.client);
    }
}

TEST_F(ConnectionFinding, OfAPortThatTheRangeHadBeforeReservesNone) {
    const Fd server = listener(loopback(8080));
    set_ephemeral_range(contested, contested + 1);
    Connection connection = connect_pair(server);
    if (local_port(connection.client) != contested) {
        connection = connect_pair(server);
    }
    ASSERT_EQ(local_port(connection.client), contested);
    set_ephemeral_range(32768, 60999);
    const Json found = check();
    EXPECT_FALSE(reserves(found)) << found;
    EXPECT_TRUE(says(found, "or the range was another then")) << found;
    EXPECT_EQ(lines_of(found["fix"], true), cures_of_who()) << found;
}

TEST_F(ConnectionFinding, OfAReservedPortReservesItNotAgain) {
    set_sysctl("ipv4/ip_local_reserved_ports", "5000-5100");
    const Fd server = listener(loopback(8080));
    const Connection connection = connect_from(server, loopback(contested));
    for (const std::uint16_t low : {std::uint16_t{32768}, std::uint16_t{4000}}) {
        set_ephemeral_range(low, 60999);
        const Json found = check();
        EXPECT_EQ(lines_of(found["fix"], true), cures_of_who()) << found;
        EXPECT_FALSE(reserves(found)) << found;
    }
}

TEST_F(ConnectionFinding, OfAPortThatTheKernelGaveReservesIt) {
    set_ephemeral_range(contested, contested + 1);
    const Fd server = listener(loopback(8080));
    Connection first = connect_pair(server);
    const Connection second = connect_pair(server);
    const Json found = check();
    EXPECT_TRUE(reserves(found)) << found;
    EXPECT_TRUE(says(found, "which lie inside ip_local_port_range (5001-5002)")) << found;
    ASSERT_TRUE(run_process({.argv = {"sh", "-c", "sysctl -wq net.ipv4.ip_local_reserved_ports=5001-5002"}})
                    .exited_with(0));
}

TEST_F(ConnectionFinding, OfUdpAdvisesNoRescueAndNoTimeWait) {
    for (const int family : {AF_INET, AF_INET6}) {
        const Fd client = udp_socket(family);
        ASSERT_EQ(bind_to(client, loopback(contested, family)), success);
        ASSERT_EQ(connect_to(client, loopback(53, family)), success);
        const Json found = check();
        ASSERT_TRUE(found.is_object());
        EXPECT_TRUE(says(found, "1 connected UDP socket")) << found;
        EXPECT_EQ(found["why"].get<std::string>().find("TIME_WAIT"), std::string::npos) << found;
        EXPECT_EQ(found["fix"].get<std::string>().find("rescue"), std::string::npos) << found;
        EXPECT_EQ(lines_of(found["fix"], true), cures_of_who({"--udp"})) << found;
        EXPECT_FALSE(reserves(found)) << found;
    }
}

TEST_F(ConnectionFinding, OfAListenerThatIsGoneIsNoOutgoingOne) {
    for (const int family : {AF_INET, AF_INET6}) {
        Fd server = listener(loopback(contested, family));
        Connection connection = connect_pair(server);
        server.reset();
        const Json found = check();
        ASSERT_TRUE(found.is_object());
        EXPECT_EQ(found["id"], "left-over-in-listen");
        EXPECT_TRUE(says(found, "has 1 connection on listen port 5001 of a listener that is gone")) << found;
        EXPECT_FALSE(reserves(found)) << found;
        EXPECT_EQ(lines_of(found["fix"], true), cures_of_who()) << found;
        reset_on_close(connection.server);
    }
}

TEST_F(ConnectionFinding, OfAConnectionThatItsProgramHasClosedSaysSo) {
    Fd server = listener(loopback(contested));
    Connection connection = connect_pair(server);
    server.reset();
    connection.server.reset();
    const Json found = check();
    ASSERT_TRUE(found.is_object());
    EXPECT_EQ(found["id"], "left-over-in-listen");
    EXPECT_TRUE(says(found, "1 closed connection on listen port 5001 waits for the other end to close"))
        << found;
    EXPECT_EQ(lines_of(found["fix"], true).count("portguard rescue --orphans 5001"), 1U) << found;
    ASSERT_TRUE(portguard({"rescue", "--orphans", "5001"}).exited_with(0));
    EXPECT_TRUE(check(0).is_null());
}

TEST_F(ConnectionFinding, OfTimeWaitHasTheCuresOfWho) {
    Fd server = listener(loopback(contested));
    Connection connection = connect_pair(server);
    server.reset();
    into_time_wait(std::move(connection.server), std::move(connection.client));
    const Json found = check();
    EXPECT_EQ(found["id"], "time-wait-in-listen");
    EXPECT_EQ(lines_of(found["fix"], true).count("portguard rescue --time-wait 5001"), 1U) << found;
}

TEST_F(ConnectionFinding, OfAnotherNetworkActsOnThatOne) {
    const Fd server = listener(loopback(8080));
    Fd client;
    const ParkedChild inside([&] {
        client = tcp_socket();
        bind_to(client, loopback(contested));
        connect_to(client, loopback(8080));
    });
    const PrivateNet elsewhere;
    ASSERT_EQ(elsewhere.unavailable(), "");
    const std::string pid = std::to_string(inside.pid());
    const std::string enter = "nsenter --net --target " + pid + " ";
    for (const Words& words : {Words{"check", "--listen=5000-6000", "--netns=" + pid},
                               Words{"who", "--netns=" + pid, std::to_string(contested)}}) {
        const std::string answer = json_answer(words, 1).dump();
        EXPECT_NE(answer.find(enter + "portguard rescue 5001"), std::string::npos) << answer;
        EXPECT_NE(answer.find(" && " + enter + "portguard who --wait=121s 5001"), std::string::npos)
            << answer;
    }
}

} // namespace
} // namespace portguard::test
