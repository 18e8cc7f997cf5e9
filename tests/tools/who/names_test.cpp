// Words that name ports, hosts and users.
#include "tools/who/names.h"

#include "tools/common/port_text.h"
#include "tools/common/refusal.h"
#include "tools/support/port_command.h"
#include "tools/who/questions.h"

namespace portguard::test {
namespace {

using tools::parse_asked_ports;

TEST(Names, OfServicesAndTheirAliases) {
    const std::string file =
        "# comment\nhttp\t\t80/tcp\twww  # WorldWideWeb\nsyslog 514/udp\nbroken\nodd x/tcp\n";
    EXPECT_EQ(tools::port_of_service(file, "http"), 80);
    EXPECT_EQ(tools::port_of_service(file, "www"), 80);
    EXPECT_EQ(tools::port_of_service(file, "syslog"), 514);
    for (const char* const name : {"broken", "odd", "WorldWideWeb", "#", "", "80/tcp"}) {
        EXPECT_EQ(tools::port_of_service(file, name), 0) << name;
    }
}

TEST(Names, OfHosts) {
    const std::string file =
        "127.0.0.1 localhost\n::1 localhost ip6-localhost # loopback\n10.0.0.1\tdb\tdb.local\n";
    EXPECT_EQ(tools::addresses_of_host(file, "localhost"), (Words{"127.0.0.1", "::1"}));
    EXPECT_EQ(tools::addresses_of_host(file, "db.local"), Words{"10.0.0.1"});
    EXPECT_EQ(tools::addresses_of_host(file, "10.0.0.1"), Words{});
}

TEST(Names, OfUsers) {
    const std::string file = "root:x:0:0:root:/root:/bin/sh\nbad\nwww-data:x:33:33::/:/bin/false\n";
    EXPECT_EQ(tools::name_of_user(file, 33), "www-data");
    EXPECT_EQ(tools::name_of_user(file, 0), "root");
    EXPECT_EQ(tools::name_of_user(file, 7), "");
}

TEST(AskedPorts, AreListsRangesAndProtocols) {
    EXPECT_EQ(tools::text_of(parse_asked_ports("80,8000-8010").ports), "80,8000-8010");
    EXPECT_EQ(parse_asked_ports("80").protocol, std::nullopt);
    EXPECT_EQ(parse_asked_ports("80/tcp").protocol, Protocol::tcp);
    EXPECT_EQ(parse_asked_ports("127.0.0.1:80-81/udp").protocol, Protocol::udp);
    EXPECT_EQ(parse_asked_ports("127.0.0.1:80").addresses.size(), 1U);
    EXPECT_EQ(parse_asked_ports("[::1]:80,90").addresses.size(), 1U);
    EXPECT_EQ(parse_asked_ports("*:80").addresses.size(), 0U);
    EXPECT_EQ(parse_asked_ports(":80").addresses.size(), 0U);
    EXPECT_THROW(parse_asked_ports(""), tools::Refusal);
    EXPECT_THROW(parse_asked_ports("127.0.0.1:"), tools::Refusal);
}

TEST(AskedPorts, AreAskedForEachAddressAndProtocol) {
    const auto asked = parse_asked_ports("127.0.0.1:80-82");
    EXPECT_EQ(tools::questions_of(asked, std::nullopt).size(), 6U);
    EXPECT_EQ(tools::questions_of(asked, Protocol::tcp).size(), 3U);
    const auto one = tools::questions_of(parse_asked_ports("65535/udp"), std::nullopt);
    ASSERT_EQ(one.size(), 1U);
    EXPECT_FALSE(one.front().is_implied);
}

using AskedNames = PortCommand;

TEST_F(AskedNames, MayBeAServiceAndAHost) {
    if (tools::port_of_service(tools::text_of_names(tools::services_file), "http") != 80) {
        PORTGUARD_SKIP("/etc/services does not name http");
    }
    EXPECT_EQ(json_of(portguard({"who", "--json", "http"}))["port"], 80);
    const Words addresses = tools::addresses_of_host(tools::text_of_names(tools::hosts_file), "localhost");
    if (std::find(addresses.begin(), addresses.end(), "127.0.0.1") == addresses.end()) {
        PORTGUARD_SKIP("/etc/hosts does not name localhost");
    }
    const Fd server = listener(loopback(contested));
    EXPECT_TRUE(portguard({"who", "localhost:10000"}).exited_with(1));
    EXPECT_TRUE(portguard({"who", "localhost:10001"}).exited_with(0));
}

} // namespace
} // namespace portguard::test
