// Addresses that cannot be had, or not yet, or not there: which of these it is, and that the cure binds.
#include <cstdlib>
#include <string>

#include <net/if.h>
#include <sched.h>

#include "explain/cause_fixture.h"
#include "support/skip.h"
#include "support/waiting.h"

namespace portguard::test {
namespace {

bool run(const std::string& command) {
    return std::system(command.c_str()) == 0;
}

class AbsentAddress : public CauseTest {
protected:
    void SetUp() override {
        CauseTest::SetUp();
        if (IsSkipped()) {
            return;
        }
        if (!run("ip link add v0 type veth peer name v1 2>/dev/null")) {
            PORTGUARD_SKIP("this kernel has no veth");
        }
    }

    std::string cause_of(const Fd& socket, const Address& asked) {
        return cause(socket, asked, EADDRNOTAVAIL, EventKind::unavailable);
    }
    /// Of a connect that failed, and finds no address either way.
    std::string cause_of_connect(const Address& peer) {
        const Fd socket = tcp_socket(AF_INET6);
        EXPECT_EQ(connect_to(socket, peer), Outcome{EADDRNOTAVAIL});
        FailedCall report(socket, peer);
        report.snapshot.kind = EventKind::unavailable;
        report.snapshot.call = Call::connect;
        report.snapshot.error = EADDRNOTAVAIL;
        return reported_cause(report);
    }
    /// Runs every cure that is a command, and binds.
    bool is_cured_by(const std::string& words, const Address& asked) const {
        for (const auto& cure : event["cures"]) {
            const std::string command = cure["command"];
            if (command.find(words) != std::string::npos && !run(command)) {
                return false;
            }
        }
        return eventually([&] { return bind_to(tcp_socket(AF_INET6), asked) == success; });
    }

    const Address global = address("2001:db8::1", 8080);
};

Address link_local(const char* text, const char* interface) {
    Address asked = address(text, 8080);
    reinterpret_cast<sockaddr_in6*>(&asked.storage)->sin6_scope_id = if_nametoindex(interface);
    return asked;
}

TEST_F(AbsentAddress, ThatIsTentativeIsNotSaidToBeAbsent) {
    set_sysctl("ipv6/conf/v0/dad_transmits", "600");
    ASSERT_TRUE(run("ip link set v0 up && ip link set v1 up && ip -6 address add 2001:db8::1/64 dev v0"));
    for (const bool is_udp : {false, true}) {
        const Fd socket = is_udp ? udp_socket(AF_INET6) : tcp_socket(AF_INET6);
        EXPECT_EQ(cause_of(socket, global), "tentative_address");
        EXPECT_NE(sentence().find("a second or two"), std::string::npos) << written;
    }
    EXPECT_TRUE(is_cured_by("nodad", global)) << written;
}

TEST_F(AbsentAddress, ThatWaitsForACarrierIsNotToBeWaitedFor) {
    ASSERT_TRUE(run("ip link set v0 up && ip -6 address add 2001:db8::1/64 dev v0"));
    EXPECT_EQ(cause_of(tcp_socket(AF_INET6), global), "tentative_address");
    EXPECT_NE(sentence().find("waits for a carrier, which v0 does not have"), std::string::npos) << written;
    EXPECT_FALSE(advises("sleep")) << written;
    EXPECT_TRUE(is_cured_by("ip_nonlocal_bind", global)) << written;
}

TEST_F(AbsentAddress, OfAnInterfaceThatIsDown) {
    ASSERT_TRUE(run("ip link set v1 up && ip -6 address add 2001:db8::1/64 dev v0"));
    EXPECT_EQ(cause_of(tcp_socket(AF_INET6), global), "interface_down");
    EXPECT_NE(sentence().find("v0, which has 2001:db8::1, is down"), std::string::npos) << written;
    EXPECT_TRUE(is_cured_by("ip link set v0 up", global)) << written;
}

TEST_F(AbsentAddress, ThatAnotherHostHas) {
    const ParkedChild other([] {
        unshare(CLONE_NEWNET);
        run("ip link set lo up");
    });
    ASSERT_TRUE(run("ip link set v1 netns " + std::to_string(other.pid()) + " && nsenter --net --target " +
                    std::to_string(other.pid()) +
                    " sh -c 'ip link set v1 up && ip -6 address add 2001:db8::1/64 dev v1 nodad' && "
                    "ip link set v0 up && ip -6 address add 2001:db8::1/64 dev v0"));
    ASSERT_TRUE(eventually([] { return run("ip -6 address show dev v0 | grep -q dadfailed"); }));
    EXPECT_EQ(cause_of(tcp_socket(AF_INET6), global), "tentative_address");
    EXPECT_NE(sentence().find("another host has 2001:db8::1 already"), std::string::npos) << written;
    EXPECT_FALSE(advises("nodad")) << "two hosts would have it: " << written;
}

TEST_F(AbsentAddress, OfAnotherLinkIsNamedWithItsOwn) {
    ASSERT_TRUE(run("ip link set v0 up && ip link set v1 up && ip -6 address add fe80::7/64 dev v1 nodad && "
                    "ip -6 address add 2001:db8::1/64 dev v1 nodad"));
    EXPECT_EQ(cause_of(tcp_socket(AF_INET6), link_local("fe80::7", "v0")), "address_of_other_link");
    EXPECT_TRUE(advises("fe80::7%v1")) << written;
    EXPECT_EQ(bind_to(tcp_socket(AF_INET6), link_local("fe80::7", "v1")), success) << "the cure works";
    const Fd on_v0 = tcp_socket(AF_INET6);
    ASSERT_EQ(set_option(on_v0, SOL_SOCKET, SO_BINDTOIFINDEX, static_cast<int>(if_nametoindex("v0"))),
              success);
    EXPECT_EQ(bind_to(on_v0, global), success) << "of a global address the link does not matter";
}

TEST_F(AbsentAddress, OfLoWhileItIsDown) {
    ASSERT_TRUE(run("ip link set lo down"));
    const Address loop = loopback(8080, AF_INET6);
    EXPECT_EQ(cause_of_connect(loop), "no_source_address");
    EXPECT_NE(sentence().find("lo is down"), std::string::npos) << written;
    EXPECT_TRUE(advises("ip link set lo up")) << written;
    EXPECT_EQ(cause_of(tcp_socket(AF_INET6), loop), "interface_down");
    EXPECT_TRUE(is_cured_by("ip link set lo up", loop)) << written;
}

TEST_F(AbsentAddress, OfAFamilyThatIsSwitchedOffNamesTheSettingThatDidIt) {
    for (const std::string name : {"all", "lo"}) {
        set_sysctl("ipv6/conf/" + name + "/disable_ipv6", "1");
        const Address loop = loopback(8080, AF_INET6);
        const std::string setting = "net.ipv6.conf." + name + ".disable_ipv6";
        EXPECT_EQ(cause_of_connect(loop), "no_source_address");
        EXPECT_NE(sentence().find(setting), std::string::npos) << written;
        EXPECT_EQ(cause_of(tcp_socket(AF_INET6), loop), "ipv6_disabled");
        EXPECT_FALSE(has("net.ipv4")) << written;
        EXPECT_TRUE(is_cured_by(setting, loop)) << written;
    }
}

} // namespace
} // namespace portguard::test
