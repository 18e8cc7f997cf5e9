// The ends of the outgoing side: a range that is full, two processes that want the same ports, and
// connections that could meet themselves (K15).
#include <string>

#include <gtest/gtest.h>

#include "preload/play.h"
#include "support/child.h"
#include "support/kernel_features.h"
#include "support/private_net.h"
#include "support/sockets.h"

namespace portguard::test {
namespace {

using OutgoingLimits = PrivateNetTest;

constexpr int attempts = 60000;

/// 60,000 connects to a port of the range where nobody listens: "met itself N times".
std::string meet_itself(const std::string& address, const Environment& environment, bool with_shim = true) {
    const Finished result =
        run({.argv = {victim("outgoing_many"), "self", address, "31000", std::to_string(attempts)},
             .environment = environment,
             .with_shim = with_shim,
             .deadline = std::chrono::seconds(50)});
    EXPECT_TRUE(result.exited_with(0)) << result;
    EXPECT_EQ(result.err, "");
    return result.out;
}

const std::string never = "met itself 0 times\n";

/// The host keeps out of `listen` by itself, so that nothing but the guard against meeting is at work.
const Environment host_is_split{"PORTGUARD_LISTEN=10000-19999"};

class MeetingItself : public PrivateNetTest, public testing::WithParamInterface<const char*> {
protected:
    void SetUp() override {
        PrivateNetTest::SetUp();
        if (!IsSkipped() && !HasFatalFailure()) {
            set_ephemeral_range(30000, 31999);
            // One that the kernel does not count as loopback: it has to be found out to be ours.
            add_address_to_lo("10.1.2.3");
        }
    }
};

TEST_P(MeetingItself, happens_without_us) {
    EXPECT_NE(meet_itself(GetParam(), {}, false), never);
}

TEST_P(MeetingItself, never_happens_where_the_host_keeps_the_split) {
    EXPECT_EQ(meet_itself(GetParam(), host_is_split), never);
}

TEST_P(MeetingItself, never_happens_by_any_method_where_the_range_covers_listen) {
    for (const char* method : {"auto", "socket", "bind"}) {
        EXPECT_EQ(meet_itself(GetParam(), {"PORTGUARD_LISTEN=30000-30499",
                                           std::string("PORTGUARD_RANGE_METHOD=") + method}),
                  never)
            << method;
    }
}

INSTANTIATE_TEST_SUITE_P(Addresses, MeetingItself, testing::Values("127.0.0.1", "10.1.2.3", "::1"),
                         [](const auto& address) {
                             const std::string text = address.param;
                             return text == "::1" ? "ipv6" : text == "10.1.2.3" ? "own_address" : "loopback";
                         });

TEST_F(OutgoingLimits, an_address_is_asked_about_once) {
    set_ephemeral_range(30000, 31999);
    const TemporaryFolder folder;
    const std::string trace = folder.file("trace");
    const std::string attempt = "c = tcp4; nonblock c; connect c 192.0.2.1:31000; ";
    const Finished result = run(
        {.argv = {"/usr/bin/strace", "-o", trace, "-e", "trace=socket,bind,connect", "-E",
                  "LD_PRELOAD=" + preload_value({}), victim("socket_script"), attempt + attempt + attempt},
         .environment = host_is_split,
         .with_shim = false});
    EXPECT_EQ(count_of(read_text(trace), "bind("), 1U) << read_text(trace) << result;
}

/// `workers` processes whose connections are held by a listener that never accepts.
Finished fill(const std::string& workers, const std::string& low, const std::string& high, bool reuseaddr,
              const Environment& environment) {
    std::vector<std::string> argv{victim("outgoing_many"), "fill", "127.0.0.1", "1000", workers, low, high};
    if (reuseaddr) {
        argv.emplace_back("reuseaddr");
    }
    return run({.argv = argv, .environment = environment, .deadline = std::chrono::seconds(55)});
}

Fd patient_listener() {
    set_sysctl("core/somaxconn", "65535");
    Fd listening = tcp_socket();
    set_reuseaddr(listening);
    EXPECT_EQ(bind_to(listening, wildcard(1000)), success);
    EXPECT_EQ(listen_on(listening, 65535), success);
    return listening;
}

TEST_F(OutgoingLimits, sixty_four_thousand_connections_by_binds_take_every_port_and_leak_nothing) {
    set_sysctl("ipv4/ip_unprivileged_port_start", "0");
    set_ephemeral_range(500, 65535);
    const Fd listening = patient_listener();
    const Finished result = fill("4", "1024", "65535", false,
                                 {"PORTGUARD_LISTEN=1000", "PORTGUARD_EPHEMERAL=1024-65535",
                                  "PORTGUARD_RANGE_METHOD=bind", "PORTGUARD_DIAGNOSIS=line"});
    EXPECT_EQ(result.out,
              "connected 64512 on 64512 ports, 0 outside, ended by EADDRNOTAVAIL, 0 stray descriptors\n")
        << result.err.substr(0, 2000);
    EXPECT_GE(count_of(result.err, "no port left (EADDRNOTAVAIL)"), 1U) << result.err.substr(0, 2000);
}

TEST_F(OutgoingLimits, a_full_range_is_full_for_a_program_that_sets_the_flag_as_well) {
    PORTGUARD_NEEDS_PORT_RANGE();
    for (const char* method : {"socket", "bind"}) {
        const PrivateNet next;
        set_sysctl("ipv4/ip_unprivileged_port_start", "0");
        set_ephemeral_range(500, 1500);
        const Fd listening = patient_listener();
        const Finished result =
            fill("2", "1100", "1299", true,
                 {"PORTGUARD_LISTEN=1000", "PORTGUARD_EPHEMERAL=1100-1299", "PORTGUARD_DIAGNOSIS=line",
                  std::string("PORTGUARD_RANGE_METHOD=") + method});
        EXPECT_EQ(result.out,
                  "connected 200 on 200 ports, 0 outside, ended by EADDRNOTAVAIL, 0 stray descriptors\n")
            << method << result.err.substr(0, 2000);
    }
}

TEST_F(OutgoingLimits, exhaustion_is_told_with_what_fills_the_range_and_what_would_help) {
    set_ephemeral_range(40000, 40003);
    const std::string script =
        "l = tcp4; bind l *:10000; listen l 16; many tcp4 3 l 1 2; c = tcp4; connect c "
        "127.0.0.2:10000; many tcp4 5 l 1 2";
    for (const char* method : {"auto", "bind"}) {
        const PrivateNet next;
        set_ephemeral_range(10000, 40003);
        const Played played =
            play(script, {"PORTGUARD_LISTEN=10000-19999", "PORTGUARD_EPHEMERAL=40000-40003",
                          "PORTGUARD_BUDGET_MS=5000", std::string("PORTGUARD_RANGE_METHOD=") + method});
        const std::string& told = played.result.err;
        EXPECT_NE(told.find("no port left (EADDRNOTAVAIL): 4 of the 4 ports of 40000-40003 are in use"),
                  std::string::npos)
            << played.result;
        EXPECT_NE(told.find("in use   "), std::string::npos) << told;
        EXPECT_NE(told.find(" ESTABLISHED"), std::string::npos) << told;
        EXPECT_NE(told.find("127.0.0.1:10000: "), std::string::npos) << told;
        EXPECT_NE(told.find("127.0.0.2:10000: 1"), std::string::npos) << told;
        EXPECT_NE(told.find("a wider PORTGUARD_EPHEMERAL"), std::string::npos) << told;
    }
}

TEST_F(OutgoingLimits, a_destination_that_no_address_reaches_is_not_called_exhaustion) {
    set_sysctl("ipv6/conf/all/disable_ipv6", "1");
    const Played played = play("c = tcp6; connect c [::1]:9", {"PORTGUARD_LISTEN=10000-19999"});
    EXPECT_EQ(played.said("connect c"), "EADDRNOTAVAIL");
    const std::string& err = played.result.err;
    EXPECT_EQ(err.find("no port left"), std::string::npos) << played.result;
    EXPECT_NE(err.find("IPv6 is switched off"), std::string::npos) << played.result;
    EXPECT_EQ(err.find('\n'), err.size() - 1) << "one line, as programs try ::1 for localhost: " << err;
}

} // namespace
} // namespace portguard::test
