// A look at the port that came with the snapshot: the kernel is not asked again.
#include <cstdlib>
#include <utility>
#include <vector>

#include "explain/explain_fixture.h"
#include "kernel/diag_message.h"
#include "kernel/port_look.h"
#include "support/kernel_features.h"

namespace portguard::test {
namespace {

class HandedOnLook : public ExplainTest {
protected:
    void SetUp() override {
        ExplainTest::SetUp();
        server_ = listener(loopback(7000));
    }
    /// Of port 10000 to 7000.
    Connection outgoing_connection() {
        Fd client = flagged(tcp_socket());
        EXPECT_EQ(bind_to(client, loopback(port)), success);
        return connect_pair(server_, std::move(client));
    }

private:
    Fd server_;
};

/// What the child of the preloaded object hands on.
std::vector<std::byte> seen_at(const Address& address) {
    std::vector<std::byte> buffer(dump_datagram_size);
    std::vector<std::byte> room(snapshot_look_capacity);
    SeenSockets seen{room};
    AskedAddress asked;
    asked.endpoint = read_endpoint(address.get(), address.length);
    EXPECT_TRUE(look_at_port(asked, 0, buffer, 10000, &seen).complete && seen.whole);
    room.resize(seen.used);
    return room;
}

TEST_F(HandedOnLook, IsBelieved) {
    if (!kernel_is_at_least(6, 0)) {
        PORTGUARD_SKIP("before Linux 6.0 a TIME_WAIT cannot be removed");
    }
    Connection connection = outgoing_connection();
    into_time_wait(std::move(connection.client), std::move(connection.server));
    FailedCall report(tcp_socket(), loopback(port));
    report.look = seen_at(loopback(port));
    ASSERT_EQ(std::system("ss -K state time-wait sport = :10000 >/dev/null"), 0);
    ASSERT_FALSE(port_is_in_state(port, TcpState::time_wait));
    told(report);
    EXPECT_NE(written.find("127.0.0.1:10000 → 127.0.0.1:7000 TIME_WAIT"), std::string::npos) << written;
    report.look->clear();
    told(report);
    EXPECT_EQ(written.find("  holder "), std::string::npos) << written;
    EXPECT_EQ(written.find("held by"), std::string::npos) << written;
}

TEST_F(HandedOnLook, OfASocketThatHasEndedIsLookedForAgain) {
    config.format = Format::json;
    FailedCall report(tcp_socket(), loopback(port));
    {
        const Connection connection = outgoing_connection();
        reset_on_close(connection.client);
        report.look = seen_at(loopback(port));
    }
    told(report);
    EXPECT_NE(written.find(R"("cause":"vanished")"), std::string::npos) << written;
    Connection connection = outgoing_connection();
    report.look = seen_at(loopback(port));
    into_time_wait(std::move(connection.client), std::move(connection.server));
    told(report);
    EXPECT_NE(written.find(R"("cause":"outgoing_time_wait")"), std::string::npos) << written;
}

TEST_F(HandedOnLook, ThatIsNoneLeavesTheKernelToBeAsked) {
    const Fd server = listener(loopback(port));
    FailedCall report(tcp_socket(), loopback(port));
    report.look = std::vector<std::byte>(40, std::byte{0x7f});
    told(report);
    EXPECT_NE(written.find("127.0.0.1:10000 LISTEN"), std::string::npos) << written;
}

} // namespace
} // namespace portguard::test
