// `portguard who` without a port, and with several: a line for each socket that counts.
#include <algorithm>
#include <array>
#include <sstream>

#include <unistd.h>

#include "tools/support/port_command.h"
#include "tools/support/schema.h"

namespace portguard::test {
namespace {

using Json = nlohmann::json;

class Listing : public PortCommand {
protected:
    static std::vector<Words> rows(Words words) {
        words.insert(words.begin(), "who");
        std::istringstream lines(portguard(words).out);
        std::vector<Words> found;
        for (std::string line; std::getline(lines, line);) {
            std::istringstream cells(line);
            Words& row = found.emplace_back();
            for (std::string cell; cells >> cell;) {
                row.push_back(cell);
            }
        }
        return found;
    }

    static std::vector<Json> records(Words words) {
        words.insert(words.begin(), "who");
        words.emplace_back("--json");
        std::istringstream lines(portguard(words).out);
        const Json schema = schema_of("who-list");
        std::vector<Json> found;
        for (std::string line; std::getline(lines, line);) {
            found.push_back(Json::parse(line));
            EXPECT_EQ(violation(schema, found.back()), "") << line;
        }
        return found;
    }
};

TEST_F(Listing, HasEveryListenerOfTheHostOnALineOfItsOwn) {
    const Fd first = listener(flagged(tcp_socket()), loopback(contested));
    const Fd second = listener(wildcard(80));
    const Fd sixth = listener(wildcard(443, AF_INET6));
    const Fd udp = udp_socket();
    ASSERT_EQ(bind_to(udp, wildcard(53)), success);
    const Connection connection = connect_pair(first);
    const std::vector<Words> lines = rows({});
    ASSERT_EQ(lines.size(), 5U);
    EXPECT_EQ(lines[0],
              (Words{"PROTO", "STATE", "ADDRESS", "PROCESS", "USER", "UNIT", "PLAN", "FLAGS", "COMMAND"}));
    Words addresses;
    for (const Words& line : lines) {
        addresses.push_back(line[0] + " " + line[2]);
    }
    EXPECT_EQ(addresses, (Words{"PROTO ADDRESS", "udp 0.0.0.0:53", "tcp 0.0.0.0:80", "tcp [::]:443",
                                "tcp 127.0.0.1:10000"}));
    EXPECT_NE(lines[4][3].find("[" + std::to_string(::getpid()) + "]"), std::string::npos);
    EXPECT_EQ(lines[4][7], "reuseaddr");
    EXPECT_EQ(lines[2][7], "-");
    EXPECT_EQ(rows({"--no-headers"}).size(), 4U);
    EXPECT_TRUE(portguard({"who"}).exited_with(0));
}

TEST_F(Listing, HasAsManyColumnsInEveryLine) {
    const Fd server = listener(wildcard(80));
    for (const Words& line : rows({})) {
        EXPECT_GE(line.size(), 9U);
    }
}

TEST_F(Listing, SaysWhereAPortLiesInThePlan) {
    std::vector<Fd> servers;
    for (const std::uint16_t port : std::array<std::uint16_t, 3>{80, 5000, 40000}) {
        servers.push_back(listener(wildcard(port)));
    }
    const auto plans = [](const Words& words) {
        Words found;
        for (const Json& record : records(words)) {
            found.push_back(record["plan"].is_null() ? "none" : record["plan"].get<std::string>());
        }
        return found;
    };
    EXPECT_EQ(plans({}), (Words{"none", "none", "ephemeral"}));
    EXPECT_EQ(plans({"--listen=5000-14999"}), (Words{"outside", "listen", "ephemeral"}));
    EXPECT_EQ(plans({"--listen=80", "--ephemeral=5000-6000"}), (Words{"listen", "ephemeral", "outside"}));
}

TEST_F(Listing, FoldsListenersOfOneAddressAndConnectionsOfOneProcess) {
    const auto shared = [] {
        Fd socket = tcp_socket();
        EXPECT_EQ(set_option(socket, SOL_SOCKET, SO_REUSEPORT, 1), success);
        return socket;
    };
    const Fd first = listener(shared(), loopback(contested));
    std::vector<Connection> connections;
    for (int count = 0; count < 5; ++count) {
        connections.push_back(connect_pair(first));
    }
    // Later, since the kernel would deal the connections out to both.
    const Fd second = listener(shared(), loopback(contested));
    const std::vector<Json> all = records({});
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0]["sockets"], 2);
    EXPECT_EQ(all[0]["reuseport"], true);
    const std::vector<Json> asked = records({"10000,10001"});
    ASSERT_EQ(asked.size(), 2U);
    EXPECT_EQ(asked[1]["state"], "ESTABLISHED");
    EXPECT_EQ(asked[1]["sockets"], 5);
}

TEST_F(Listing, OfSeveralPortsSaysWhichAreFree) {
    const Fd server = listener(wildcard(8001));
    const Finished finished = portguard({"who", "8000-8002", "9000/tcp"});
    EXPECT_TRUE(finished.exited_with(1)) << finished;
    EXPECT_EQ(finished.err, "portguard: free: 8000,8002,9000\n");
    EXPECT_TRUE(portguard({"who", "8002-8010"}).exited_with(0));
    EXPECT_EQ(rows({"--no-headers", "8001/udp", "8002"}).size(), 0U);
}

TEST_F(Listing, NamesUsersUnlessNumbersAreWanted) {
    const Fd server = listener(wildcard(80));
    if (::getuid() != 0) {
        PORTGUARD_SKIP("the name of this user is not known to the test");
    }
    EXPECT_EQ(rows({"--no-headers"})[0][4], "root");
    EXPECT_EQ(rows({"--no-headers", "-n"})[0][4], "0");
}

} // namespace
} // namespace portguard::test
