#include "core/outgoing.h"

#include <string>

#include <gtest/gtest.h>

#include "core/making.h"

namespace portguard {
namespace {

using test::configured;
using test::host;
using test::what;
using test::written;

/// Either may be "": unset.
Config plan_of(std::string_view listen, std::string_view ephemeral) {
    Config config;
    if (!listen.empty()) {
        config = configured({{"listen", listen}});
    }
    if (!ephemeral.empty()) {
        config.ephemeral = configured({{"ephemeral", ephemeral}}).ephemeral;
    }
    return config;
}

struct Row {
    std::string_view listen, ephemeral, host_range, reserved, expected;
};

void expect_plans(std::initializer_list<Row> rows) {
    for (const Row& row : rows) {
        SCOPED_TRACE(testing::Message()
                     << "listen=" << row.listen.substr(0, 60) << " ephemeral=" << row.ephemeral << " host "
                     << row.host_range << " less " << row.reserved);
        EXPECT_EQ(what(plan_outgoing(plan_of(row.listen, row.ephemeral), host(row.host_range, row.reserved))),
                  row.expected);
    }
}

TEST(PlanOutgoing, DoesNothingWhereTheHostKeepsOutOfListen) {
    expect_plans({
        {"5000-14999", "15000-65000", "15000-65000", "", "none"},
        {"5000-14999", "15000-65000", "32768-60999", "", "none"},
        {"5000-14999", "", "32768-60999", "", "none"},
        {"5000-14999,61000", "", "32768-60999", "", "none"},
        {"40000-40100", "", "32768-60999", "40000-40100", "none"},
        {"5000-14999", "15000-65000", "10000-60999", "10000-14999", "none"},
    });
}

TEST(PlanOutgoing, ClampsToThePartOfEphemeralThatMeetsTheHostsRange) {
    expect_plans({
        {"5000-14999", "15000-65000", "10000-60999", "",
         "socket_range, range 15000-60999, port zero clamped"},
        {"5000-14999", "15000-65000", "1-65535", "", "socket_range, range 15000-65000, port zero clamped"},
        {"5000-14999", "15000-65000", "14999-15000", "", "socket_range, range 15000, port zero clamped"},
        {"5000-14999", "15000-65000", "10000-60999", "10000-14998",
         "socket_range, range 15000-60999, port zero clamped"},
    });
}

TEST(PlanOutgoing, TakesThePieceWithMostUnreservedPortsWhereListenCutsTheRange) {
    expect_plans({
        {"40000-40100", "", "32768-60999", "", "socket_range, range 40101-60999, port zero clamped"},
        {"40000-40100", "", "32768-60999", "40200-60999",
         "socket_range, range 32768-39999, port zero clamped"},
        {"65535", "", "1-65535", "", "socket_range, range 1-65534, port zero clamped"},
        {"1", "", "1-65535", "", "socket_range, range 2-65535, port zero clamped"},
        {"20,40", "", "10-50", "", "socket_range, range 21-39, port zero clamped"},
    });
}

TEST(PlanOutgoing, FindsItsPieceAmongAThousandRanges) {
    const std::string listen = test::thousand_ranges();
    expect_plans({
        {listen, "", "10000-20000", "", "socket_range, range 11999-20000, port zero clamped"},
        {listen, "", "10000-11998", "", "socket_range, range 10001, port zero clamped"},
        {listen, "", "12000-20000", "", "none"},
    });
}

TEST(PlanOutgoing, BindsWhereTheRangesDoNotMeet) {
    expect_plans({
        {"5000-14999", "15000-65000", "10000-14000", "",
         "explicit_bind, range 15000-65000, by binds, port zero clamped"},
        {"5000-14999", "61000-65000", "10000-60999", "",
         "explicit_bind, range 61000-65000, by binds, port zero clamped"},
        {"", "15000-20000", "32768-60999", "",
         "explicit_bind, range 15000-20000, by binds, port zero clamped"},
    });
}

TEST(PlanOutgoing, FallsBackToCourtesyWhereNoUnreservedPortIsLeft) {
    expect_plans({
        {"32768-60999", "", "32768-60999", "", "courtesy"},
        {"1-65535", "", "32768-60999", "", "courtesy"},
        {"40000-60999", "", "32768-60999", "32768-39999", "courtesy"},
        {"5000-14999", "15000-65000", "10000-60999", "15000-65000", "courtesy"},
    });
}

TEST(PlanOutgoing, BindsBeyondTheHostsRangeWhereAllOfEphemeralInsideItIsReserved) {
    expect_plans({{"5000-14999", "15000-65000", "10000-60999", "15000-60999",
                   "explicit_bind, range 61000-65000, by binds, port zero clamped"}});
}

TEST(PlanOutgoing, TrustsEphemeralWhereTheHostCannotBeRead) {
    expect_plans({
        {"5000-14999", "15000-65000", "", "", "socket_range, range 15000-65000, port zero clamped"},
        {"5000-14999", "", "", "", "courtesy"},
        {"", "15000-65000", "", "", "socket_range, range 15000-65000, port zero clamped"},
        {"", "", "", "", "courtesy"},
    });
}

TEST(PlanOutgoing, IsCourtesyAloneWithoutAPlan) {
    expect_plans({
        {"", "", "32768-60999", "", "courtesy"},
        {"", "15000-65000", "32768-60999", "", "courtesy"},
    });
}

TEST(PlanOutgoing, KeepsConnectionsInAnEphemeralThatStandsAlone) {
    expect_plans(
        {{"", "15000-65000", "10000-60999", "", "socket_range, range 15000-60999, port zero clamped"}});
}

TEST(PlanOutgoing, KeepsAnEphemeralThatWasGivenWhereListenIsInNoDanger) {
    expect_plans({
        {"80", "15000-65000", "10000-60999", "", "socket_range, range 15000-60999, port zero clamped"},
        {"80", "15000-65000", "10000-14000", "",
         "explicit_bind, range 15000-65000, by binds, port zero clamped"},
        {"80", "15000-65000", "10000-60999", "10000-14999", "none"},
        {"80", "", "10000-60999", "", "none"},
    });
}

TEST(PlanOutgoing, LeavesTheKernelsChoiceWhereItAvoidsListenAndNoMethodKeepsEphemeral) {
    Config config = plan_of("80", "15000-65000");
    config.range_method = RangeMethod::off;
    EXPECT_EQ(what(plan_outgoing(config, host("10000-60999"))), "none");
}

TEST(PlanOutgoing, NamesTheRangeInWhichAFixedPortIsAtRisk) {
    const HostPorts host_ports = host("32768-60999");
    EXPECT_EQ(plan_outgoing({}, host_ports).ephemeral, (PortRange{32768, 60999}));
    EXPECT_EQ(plan_outgoing(plan_of("80", ""), host_ports).ephemeral, (PortRange{32768, 60999}));
    EXPECT_EQ(plan_outgoing(plan_of("", "15000-65000"), host_ports).ephemeral, (PortRange{15000, 65000}));
    EXPECT_EQ(plan_outgoing(plan_of("80", "15000-65000"), host_ports).ephemeral, (PortRange{15000, 65000}));
    EXPECT_TRUE(plan_outgoing({}, {}).ephemeral.empty());
}

TEST(PlanOutgoing, BindsWhereTheKernelLacksTheOption) {
    const HostPorts wide = host("10000-60999");
    const auto on_old_kernel = [&](const Config& config) { return what(plan_outgoing(config, wide, false)); };
    EXPECT_EQ(on_old_kernel(plan_of("5000-14999", "15000-65000")),
              "explicit_bind, range 15000-65000, by binds, port zero clamped");
    EXPECT_EQ(on_old_kernel(plan_of("80", "15000-65000")),
              "explicit_bind, range 15000-65000, by binds, port zero clamped");
    EXPECT_EQ(on_old_kernel({}), "courtesy");
}

TEST(PlanOutgoing, BindsOutsideReservedPorts) {
    const HostPorts reserved = host("10000-60999", "20000,40000-40010");
    EXPECT_EQ(plan_outgoing(plan_of("5000-14999", "15000-65000"), reserved, false).range,
              (PortRange{40011, 65000}));
}

TEST(PlanOutgoing, GoesByRangeMethod) {
    const HostPorts wide = host("10000-60999");
    Config config = plan_of("5000-14999", "15000-65000");
    config.range_method = RangeMethod::bind;
    EXPECT_EQ(what(plan_outgoing(config, wide)),
              "explicit_bind, range 15000-65000, by binds, port zero clamped");
    config.range_method = RangeMethod::off;
    EXPECT_EQ(what(plan_outgoing(config, wide)), "courtesy");
    config.range_method = RangeMethod::socket;
    EXPECT_EQ(what(plan_outgoing(config, wide, false)), "courtesy");
}

TEST(PlanOutgoing, DividesOnlyARangeOfWhichHalfIsUnreserved) {
    const Config config = plan_of("80", "");
    EXPECT_EQ(plan_outgoing(config, host("30000-30009")).divisible, (PortRange{30000, 30009}));
    EXPECT_TRUE(plan_outgoing(config, host("30000-30009", "30000-30004")).divisible.empty());
}

TEST(WithoutPort, KeepsTheLargerPart) {
    EXPECT_EQ(without_port({100, 200}, 120), (PortRange{121, 200}));
    EXPECT_EQ(without_port({100, 200}, 180), (PortRange{100, 179}));
    EXPECT_EQ(without_port({100, 200}, 100), (PortRange{101, 200}));
    EXPECT_EQ(without_port({100, 200}, 200), (PortRange{100, 199}));
    EXPECT_EQ(without_port({100, 200}, 99), (PortRange{100, 200}));
    EXPECT_EQ(without_port({100, 100}, 100), (PortRange{100, 100}));
}

TEST(SmallerPart, IsWhatTheLargerLeavesBesideThePort) {
    EXPECT_EQ(smaller_part({100, 200}, 120), (PortRange{100, 119}));
    EXPECT_EQ(smaller_part({100, 200}, 180), (PortRange{181, 200}));
    EXPECT_EQ(smaller_part({100, 200}, 150), (PortRange{100, 149}));
    for (const std::uint16_t port : test::PortNumbers{99, 100, 200, 201}) {
        EXPECT_TRUE(smaller_part({100, 200}, port).empty()) << port;
    }
    EXPECT_TRUE(smaller_part({100, 100}, 100).empty());
}

TEST(RangeOptionValue, HoldsTheLowPortInItsLowHalf) {
    EXPECT_EQ(range_option_value({15000, 65000}), 0xfde83a98U);
    EXPECT_EQ(range_option_value({}), 0U);
}

TEST(ParseHostRange, ReadsTheKernelsForm) {
    PortRange range;
    EXPECT_TRUE(parse_host_range("32768\t60999\n", range));
    EXPECT_EQ(range, (PortRange{32768, 60999}));
    EXPECT_TRUE(parse_host_range("1\t65535", range));
    EXPECT_EQ(range, (PortRange{1, 65535}));
    EXPECT_TRUE(parse_host_range("40000\t40000\n", range));
    EXPECT_EQ(range, (PortRange{40000, 40000}));
}

TEST(ParseHostRange, ChangesNothingOnAnyOtherText) {
    for (const char* text : {"", "\n", "32768", "32768\t\n", "60999\t32768\n", "0\t100\n", "1\t65536\n",
                             "a\tb\n", "1\t2\t3\n", "1\t2\n3\t4\n"}) {
        PortRange range{7, 8};
        EXPECT_FALSE(parse_host_range(text, range)) << '\'' << text << '\'';
        EXPECT_EQ(range, (PortRange{7, 8}));
    }
}

/// What the file's text reserves, or "refused".
std::string reserved(std::string_view text) {
    PortSet set;
    if (!parse_reserved_ports(text, set)) {
        EXPECT_TRUE(set.empty()) << text;
        return "refused";
    }
    return written([&](TextWriter& out) { print_port_set(set, out); });
}

TEST(ParseReservedPorts, ReadsTheKernelsForm) {
    EXPECT_EQ(reserved("\n"), "");
    EXPECT_EQ(reserved(""), "");
    EXPECT_EQ(reserved("8080,9000-9100\n"), "8080,9000-9100");
    EXPECT_EQ(reserved(test::thousand_ranges() + "\n"), test::thousand_ranges());
}

TEST(ParseReservedPorts, PassesOverPortZeroWhichTheKernelListsToo) {
    EXPECT_EQ(reserved("0\n"), "");
    EXPECT_EQ(reserved("0,80\n"), "80");
    EXPECT_EQ(reserved("0-1023\n"), "1-1023");
    EXPECT_EQ(reserved("0-10,40000\n"), "1-10,40000");
    EXPECT_EQ(reserved("0-65535\n"), "1-65535");
}

TEST(ParseReservedPorts, ChangesNothingOnAnyOtherText) {
    for (const char* text : {"x", "80,x\n", "80,\n", "0-", "0-x", "0-70000", "0-10,x", "80\n90\n", "9-8"}) {
        EXPECT_EQ(reserved(text), "refused") << '\'' << text << '\'';
    }
}

} // namespace
} // namespace portguard
