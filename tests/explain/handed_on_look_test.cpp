// A look at the port that came with the snapshot: the kernel is not asked again.
#include <utility>
#include <vector>

#include "explain/explain_fixture.h"
#include "kernel/diag_message.h"
#include "kernel/port_look.h"

namespace portguard::test {
namespace {

using HandedOnLook = ExplainTest;

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
    Fd client = tcp_socket();
    ASSERT_EQ(bind_to(client, loopback(port)), success);
    const Fd server = listener(loopback(7000));
    FailedCall report(tcp_socket(), loopback(port));
    {
        const Connection connection = connect_pair(server, std::move(client));
        report.look = seen_at(loopback(port));
    }
    told(report);
    EXPECT_NE(written.find("127.0.0.1:10000 → 127.0.0.1:7000 ESTABLISHED"), std::string::npos) << written;
    report.look->clear();
    told(report);
    EXPECT_EQ(written.find("  holder "), std::string::npos) << written;
    EXPECT_EQ(written.find("held by"), std::string::npos) << written;
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
