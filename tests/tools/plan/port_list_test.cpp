#include <gtest/gtest.h>

#include "tools/common/refusal.h"
#include "tools/plan/port_list.h"

namespace portguard::test {
namespace {

using tools::NamedPort;
using tools::parse_port_list;

std::string text_of(const NamedPort& entry) {
    return entry.name + " " + std::to_string(entry.ports.low) +
           (entry.ports.size() > 1 ? "-" + std::to_string(entry.ports.high) : "") + "/" +
           std::string(protocol_name(entry.protocol));
}

std::vector<std::string> ports_in(std::string_view text) {
    std::vector<std::string> found;
    const tools::PortList list = parse_port_list(text, "f");
    for (const NamedPort& entry : list.ports) {
        found.push_back(text_of(entry));
    }
    for (const std::string& unread : list.unread) {
        ADD_FAILURE() << unread;
    }
    return found;
}

using Ports = std::vector<std::string>;

TEST(PortList, TakesBlanksCommasAndTheLinesOfServices) {
    EXPECT_EQ(ports_in("# all\nweb 80\n\ndns,53,udp\nssh\t22/tcp  alias # us\nrpc 600-700\n"),
              (Ports{"web 80/tcp", "dns 53/udp", "ssh 22/tcp", "rpc 600-700/tcp"}));
    EXPECT_EQ(parse_port_list("# all\nweb 80\n", "f").ports.front().place, "f:2");
}

TEST(PortList, TakesTheOrderAndTheSignThatPeopleUse) {
    EXPECT_EQ(ports_in("web=80\napi = 8080/tcp\nbus: 5672\n443 https\n53/udp dns\n9000\n\"My App\",81,UDP\n"),
              (Ports{"web 80/tcp", "api 8080/tcp", "bus 5672/tcp", "https 443/tcp", "dns 53/udp",
                     "9000 9000/tcp", "My App 81/udp"}));
}

TEST(PortList, TakesTheColumnsThatAFirstLineNames) {
    EXPECT_EQ(ports_in("Host,Service,Protocol,Port\na,web shop,tcp,80\nb,dns,udp,53\n"),
              (Ports{"web shop 80/tcp", "dns 53/udp"}));
    EXPECT_EQ(ports_in("service;port\nweb;80\n"), (Ports{"web 80/tcp"}));
}

TEST(PortList, TakesThePortsThatComposeOpensOnTheHost) {
    EXPECT_EQ(ports_in(R"(version: "3"
services:
  web:
    image: nginx:1.25
    environment:
      - URL=http://x:99
    ports:
      - "8080:80"
      - 127.0.0.1:8443:443/tcp
      - "3000-3005:3000-3005"
      - "[::1]:7000:7000"
      - "90"
  dns:
    ports:
      - 53:53/udp
      - target: 80
        published: "8081"
        protocol: udp
)"),
              (Ports{"web 8080/tcp", "web 8443/tcp", "web 3000-3005/tcp", "web 7000/tcp", "dns 53/udp",
                     "dns 8081/udp"}));
}

TEST(PortList, TakesTheServicesOfKubernetesAsAFileAndAsATable) {
    EXPECT_EQ(ports_in("apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  ports:\n"
                       "    - port: 80\n      targetPort: 9376\n      nodePort: 30080\n"),
              (Ports{"web 80/tcp", "web 30080/tcp"}));
    EXPECT_EQ(ports_in("NAME   TYPE       CLUSTER-IP   EXTERNAL-IP   PORT(S)                      AGE\n"
                       "web    NodePort   10.0.0.1     <none>        80:30080/TCP,443:30443/TCP   5d\n"
                       "dns    ClusterIP  10.0.0.2     <none>        53/UDP                       5d\n"),
              (Ports{"web 30080/tcp", "web 30443/tcp", "dns 53/udp"}));
}

TEST(PortList, TakesTheTableOfDocker) {
    EXPECT_EQ(ports_in("CONTAINER ID   IMAGE   PORTS                                          NAMES\n"
                       "0123456789ab   nginx   0.0.0.0:8080->80/tcp, [::]:8080->80/tcp, 9/tcp   web-1\n"),
              (Ports{"web-1 8080/tcp", "web-1 8080/tcp"}));
}

TEST(PortList, TakesTheServicesOfThisHost) {
    const tools::PortList list = tools::read_port_list("/etc/services");
    EXPECT_GT(list.ports.size(), 100U);
    for (const std::string& unread : list.unread) {
        EXPECT_NE(unread.find("is neither tcp nor udp"), std::string::npos) << unread;
    }
}

TEST(PortList, NamesTheLinesOfAnotherFormBesideYaml) {
    const tools::PortList list =
        parse_port_list("web=80\nservices:\n  db:\n    command: |\n      run me\n    ports:\n"
                        "      - \"5432:5432\"\n9000\n...\n",
                        "f");
    EXPECT_EQ(list.ports.size(), 1U);
    ASSERT_EQ(list.unread.size(), 2U) << testing::PrintToString(list.unread);
    EXPECT_TRUE(list.unread[0].starts_with("f:1: 'web=80': other lines are YAML")) << list.unread[0];
    EXPECT_TRUE(list.unread[1].starts_with("f:8: '9000': ")) << list.unread[1];
}

TEST(PortList, NamesTheLinesThatHoldNoPortAndKeepsTheOthers) {
    const tools::PortList list =
        parse_port_list("ok 1\nweb 0\nweb 70000\nweb abc\nweb\nweb 9-1\nweb 80 sctp\nlast 2\n", "f");
    EXPECT_EQ(list.ports.size(), 2U);
    ASSERT_EQ(list.unread.size(), 6U);
    for (std::size_t index = 0; index < list.unread.size(); ++index) {
        EXPECT_TRUE(list.unread[index].starts_with("f:" + std::to_string(index + 2) + ": 'web': "))
            << list.unread[index];
    }
    EXPECT_NE(list.unread[1].find("'70000'"), std::string::npos);
    EXPECT_NE(list.unread[5].find("'sctp' is neither tcp nor udp"), std::string::npos);
}

TEST(PortList, TakesBytesFromAnywhere) {
    for (const std::string_view text : {std::string_view("\0\0\n", 3), std::string_view(":\n- \n-\n: \n"),
                                        std::string_view("PORTS\n\n x\n"), std::string_view("a,port\n,\n"),
                                        std::string_view("x:\n- 1:\n- :1\n- 1:2:\n")}) {
        EXPECT_TRUE(parse_port_list(text, "f").ports.empty()) << text;
    }
}

TEST(PortList, TwoNamesForOnePortAreADuplicate) {
    const auto list = parse_port_list("web 80\napi 70-90\ndns 80 udp\nweb 80\n", "f");
    const auto duplicates = tools::find_duplicates(list.ports);
    ASSERT_EQ(duplicates.size(), 2U);
    EXPECT_EQ(tools::describe(duplicates[0]), "port 80/tcp is both web (f:1) and api (f:2)");
}

} // namespace
} // namespace portguard::test
