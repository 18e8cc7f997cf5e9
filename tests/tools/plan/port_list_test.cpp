#include <gtest/gtest.h>

#include "tools/common/refusal.h"
#include "tools/plan/port_list.h"

namespace portguard::test {
namespace {

using tools::parse_port_list;

TEST(PortList, TakesBlanksCommasAndTheLinesOfServices) {
    const auto list =
        parse_port_list("# all\nweb 80\n\ndns,53,udp\nssh\t22/tcp  alias # us\nrpc 600-700\n", "f");
    ASSERT_EQ(list.size(), 4U);
    EXPECT_EQ(list[0].name, "web");
    EXPECT_EQ(list[0].place, "f:2");
    EXPECT_EQ(list[1].protocol, Protocol::udp);
    EXPECT_EQ(list[2].ports, (PortRange{22, 22}));
    EXPECT_EQ(list[3].ports, (PortRange{600, 700}));
}

TEST(PortList, RefusesWhatIsNoPortOrProtocolWithItsLine) {
    for (const char* const text : {"ok 1\nweb 0\n", "ok 1\nweb 70000\n", "ok 1\nweb abc\n", "ok 1\nweb\n",
                                   "ok 1\nweb 9-1\n", "ok 1\nweb 80 sctp\n"}) {
        try {
            parse_port_list(text, "f");
            ADD_FAILURE() << text << " was taken";
        } catch (const tools::Refusal& refusal) {
            EXPECT_NE(std::string(refusal.what()).find("f:2"), std::string::npos) << refusal.what();
        }
    }
}

TEST(PortList, TwoNamesForOnePortAreADuplicate) {
    const auto list = parse_port_list("web 80\napi 70-90\ndns 80 udp\nweb 80\n", "f");
    const auto duplicates = tools::find_duplicates(list);
    ASSERT_EQ(duplicates.size(), 2U);
    EXPECT_EQ(tools::describe(duplicates[0]), "port 80/tcp is both web (f:1) and api (f:2)");
}

} // namespace
} // namespace portguard::test
