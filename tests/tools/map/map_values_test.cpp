// The map as values: cells, labels, lines.
#include <gtest/gtest.h>

#include "tools/check/facts_of.h"
#include "tools/map/grid.h"
#include "tools/map/svg.h"
#include "tools/map/terminal_text.h"

namespace portguard::test {
namespace {

using namespace tools;

PortMap map_of(const HostFacts& facts, std::string_view listen = "", PortRange ephemeral = {}) {
    Config config;
    config.listen = port_set(listen);
    config.has_listen = !listen.empty();
    config.ephemeral = ephemeral;
    return map_ports(facts, plan_for(config, facts));
}

TEST(Grid, ShowsAHundredPortsACellOnATerminalOfEightyColumns) {
    EXPECT_EQ(finest_scale(62, 15), (GridScale{100, 5000}));
    EXPECT_EQ(finest_scale(142, 40), (GridScale{20, 2000}));
}

TEST(Grid, HasACellForEveryPortWhateverTheScale) {
    const HostFacts facts = facts_of({tcp(SocketState::listen, 65535), tcp(SocketState::listen, 1)});
    for (unsigned columns = 0; columns < 300; columns += 10) {
        const GridScale scale = finest_scale(columns, columns / 4);
        const auto cells = cells_of(map_of(facts), scale.ports_per_cell);
        EXPECT_EQ(cells.front().ports.low, 1);
        EXPECT_EQ(cells.back().ports.high, 65535);
        EXPECT_EQ(cells.front().use, Use::listener);
        EXPECT_EQ(cells.back().use, Use::listener);
        EXPECT_LE(cells.size(), scale.rows() * scale.cells_per_row());
    }
}

TEST(Grid, InACellAListenerBeatsManyConnections) {
    const HostFacts facts = facts_of({tcp(SocketState::established, 101), tcp(SocketState::established, 102),
                                      tcp(SocketState::listen, 150), tcp(SocketState::time_wait, 201),
                                      tcp(SocketState::time_wait, 202), tcp(SocketState::established, 203)});
    const auto cells = cells_of(map_of(facts), 100);
    EXPECT_EQ(cells[1].use, Use::listener);
    EXPECT_EQ(cells[1].connected, 2U);
    EXPECT_EQ(cells[2].use, Use::time_wait);
    EXPECT_EQ(cells[3].use, std::nullopt);
}

TEST(Grid, TheGroundIsThePlan) {
    HostFacts facts = facts_of({});
    facts.settings.ports.reserved = port_set("40000-40010");
    const auto cells = cells_of(map_of(facts, "80,5000-5999"), 100);
    EXPECT_EQ(cells[0].ground, Ground::listen);
    EXPECT_EQ(cells[1].ground, Ground::neither);
    EXPECT_EQ(cells[59].ground, Ground::listen);
    EXPECT_EQ(cells[400].ground, Ground::ephemeral);
    EXPECT_TRUE(cells[400].reserved);
    EXPECT_FALSE(cells[401].reserved);
}

TEST(PortMap, AConnectionThatCameInIsItsListenersUse) {
    const HostFacts facts = facts_of({tcp(SocketState::established, 80), tcp(SocketState::listen, 80)});
    const PortMap map = map_of(facts);
    ASSERT_EQ(map.uses.size(), 1U);
    EXPECT_EQ(map.uses[0].sockets.size(), 2U);
    EXPECT_EQ(map.uses[0].sockets[0]->state, SocketState::listen);
    EXPECT_EQ(map.totals.incoming, 1U);
}

TEST(PortMap, CollidesInThePlannedRangeAndNotWhereAPortIsReserved) {
    HostFacts facts = facts_of(
        {tcp(SocketState::listen, 20000), tcp(SocketState::listen, 20001), tcp(SocketState::listen, 40000)});
    facts.settings.ports.reserved = port_set("20001,40000");
    const PortMap map = map_of(facts, "", {15000, 65000});
    ASSERT_EQ(map.collisions.size(), 1U);
    EXPECT_EQ(map.collisions[0].group.ports, std::set<std::uint16_t>{20000});
    EXPECT_EQ(describe(map, map.collisions[0]), "listens inside ephemeral 15000-65000");
    EXPECT_EQ(found(facts, "listener-in-ephemeral-range", "", {15000, 65000})[0].ports, "20000");
}

TEST(Labels, PutPortsSideBySideTogether) {
    HostFacts facts = facts_of({tcp(SocketState::listen, 8000, 1), tcp(SocketState::listen, 8001, 2),
                                tcp(SocketState::listen, 8003, 3), tcp(SocketState::listen, 8004)});
    for (const std::uint32_t inode : {1U, 2U, 3U}) {
        give_owner(facts, inode, 100, "web\033\n");
    }
    const auto labels = labels_of(map_of(facts));
    ASSERT_EQ(labels.size(), 3U);
    EXPECT_EQ(text_of(labels[0]), "8000-8001 web??");
    EXPECT_EQ(text_of(labels[1]), "8003 web??");
    EXPECT_EQ(text_of(labels[2]), "8004");
}

TEST(TerminalText, EachKindHasItsLetter) {
    DiagSocket datagram = tcp(SocketState::unconnected, 701);
    datagram.protocol = Protocol::udp;
    const HostFacts facts = facts_of({tcp(SocketState::listen, 1), tcp(SocketState::bound, 101), datagram,
                                      tcp(SocketState::established, 201), tcp(SocketState::time_wait, 301),
                                      tcp(SocketState::listen, 40000)});
    const std::string text = terminal_text(map_of(facts, "401"), {});
    EXPECT_NE(text.find("    0 Lbot-..u.. ...."), std::string::npos) << text;
    EXPECT_NE(text.find("40000 !========="), std::string::npos) << text;
}

TEST(TerminalText, NamesTheCollisionsThatFitAndCountsTheOthers) {
    std::vector<DiagSocket> sockets;
    HostFacts facts = facts_of({});
    for (std::uint16_t port = 40000; port < 40020; ++port) {
        sockets.push_back(tcp(SocketState::listen, port, port));
        give_owner(facts, port, port, "server");
    }
    facts.sockets = with_roles(sockets);
    facts.missing.emplace_back("something");
    const std::string text = terminal_text(map_of(facts), {});
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 23);
    EXPECT_NE(text.find("! 19 more; `portguard check`"), std::string::npos) << text;
    EXPECT_NE(text.find("left out: something"), std::string::npos) << text;
}

TEST(Titles, EscapeWhatXmlAndTerminalsTakeForTheirOwn) {
    EXPECT_EQ(escaped_for_xml("<a href='x'>&\"\033]0;\xff"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;?]0;?");
}

} // namespace
} // namespace portguard::test
