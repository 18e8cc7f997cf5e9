// Every answer of --json against the schema that is installed with the command.
#include "tools/support/port_command.h"
#include "tools/support/schema.h"

namespace portguard::test {
namespace {

using JsonAnswer = PortCommand;

TEST_F(JsonAnswer, OfWhoIsAsItsSchemaSays) {
    json_answer({"who", "10000"});
    const Fd server = listener(loopback(elsewhere));
    EXPECT_TRUE(json_answer({"who", "9000"}, 1)["held"]);
    Fd client = tcp_socket();
    ASSERT_EQ(bind_to(client, loopback(contested)), success);
    Connection connection = connect_pair(server, std::move(client));
    EXPECT_EQ(json_answer({"who", "127.0.0.1:10000"}, 1)["holders"][0]["remote"]["port"], elsewhere);
    into_time_wait(std::move(connection.client), std::move(connection.server));
    EXPECT_TRUE(json_answer({"who", "10000"}, 1)["holders"][0]["timer_s"].is_number());
    const Fd datagram = udp_socket();
    ASSERT_EQ(bind_to(datagram, loopback(contested)), success);
    EXPECT_EQ(json_answer({"who", "--udp", "10000"}, 1)["protocol"], "udp");
}

TEST_F(JsonAnswer, OfRescueIsAsItsSchemaSays) {
    json_answer({"rescue", "10000"});
    const Fd server = listener(loopback(elsewhere));
    EXPECT_EQ(json_answer({"rescue", "9000"}, 1)["sockets"][0]["outcome"], "left_alone");
    Fd client = tcp_socket();
    ASSERT_EQ(bind_to(client, loopback(contested)), success);
    const Connection connection = connect_pair(server, std::move(client));
    EXPECT_EQ(json_answer({"rescue", "--dry-run", "10000"})["sockets"][0]["outcome"], "would_flag");
    EXPECT_EQ(json_answer({"rescue", "127.0.0.1:10000"})["sockets"][0]["outcome"], "flagged");
}

TEST_F(JsonAnswer, OfHoldIsAsItsSchemaSays) {
    const Fd server = listener(loopback(elsewhere));
    const auto held = json_answer({"hold", "9000,10000", "--for=1ms"}, 1);
    EXPECT_EQ(held["held"], "10000");
    EXPECT_EQ(held["unheld"][0]["port"], elsewhere);
    EXPECT_EQ(json_answer({"hold", "10000", "--state=listen", "--for=1ms"})["state"], "listen");
}

} // namespace
} // namespace portguard::test
