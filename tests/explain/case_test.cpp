// Conditions that people have reported, rebuilt: what the report says of each, and what it must not advise.
#include <algorithm>
#include <cstdlib>
#include <string>

#include <net/if.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "explain/cause_fixture.h"
#include "support/skip.h"
#include "support/waiting.h"

namespace portguard::test {
namespace {

class Case : public CauseTest {};

Fd sharing(Fd socket) {
    set_option(socket, SOL_SOCKET, SO_REUSEPORT, 1);
    return socket;
}

Fd bound(Fd socket, const Address& address) {
    EXPECT_EQ(bind_to(socket, address), success);
    return socket;
}

// SO_REUSEPORT: the user of the socket counts, and not that of the process.

TEST_F(Case, ReuseportOfAProcessThatHasChangedItsUser) {
    const Fd first = listener(sharing(tcp_socket()), wildcard(port));
    const std::string text = in_child([this] {
        act_as_user(65534);
        return cause_and_sentence(sharing(tcp_socket()), wildcard(port));
    });
    EXPECT_TRUE(text.starts_with("reuseport_other_user: ")) << text;
    EXPECT_NE(text.find("uid 65534"), std::string::npos) << text;
}

TEST_F(Case, ReuseportOfAnotherUserOnUdp) {
    for (const int family : {AF_INET, AF_INET6}) {
        const Fd first = bound(sharing(udp_socket(family)), wildcard(port, family));
        const std::string text = in_child([&] {
            act_as_user(65534);
            return cause(sharing(udp_socket(family)), wildcard(port, family));
        });
        EXPECT_EQ(text, "reuseport_other_user");
    }
}

TEST_F(Case, AFlagThatCouldNotBeReadIsNotTakenForSet) {
    Fd server = listener(wildcard(port));
    const std::string text = in_child([&] {
        server.reset();
        act_as_user(65534);
        return cause_and_sentence(sharing(tcp_socket()), wildcard(port));
    });
    EXPECT_TRUE(text.starts_with("listener_other_program: a process of uid 0")) << text;
    EXPECT_EQ(text.find("with SO_REUSEPORT"), std::string::npos) << text;
    EXPECT_NE(text.find("cannot be read from here, and would share the port only with sockets of uid 0"),
              std::string::npos)
        << text;
}

TEST_F(Case, AFlagThatCouldNotBeReadIsToldByTheRefusalWhereNothingElseFits) {
    const OtherProgram hidden("import ctypes\nctypes.CDLL(None).prctl(4,0)\n"
                              "s=socket();s.bind(('',10000));s.listen()",
                              65534);
    const std::string text = in_child([&] {
        act_as_user(65534);
        const std::string told = cause_and_sentence(sharing(tcp_socket()), wildcard(port));
        return told + (advises("same user") ? "; same user" : "");
    });
    EXPECT_NE(text.find("its socket has no SO_REUSEPORT, or the kernel would have let this one share"),
              std::string::npos)
        << text;
    EXPECT_EQ(text.find("same user"), std::string::npos) << text;
}

TEST_F(Case, WhatSharesThePortIsNotTheReason) {
    const Fd sibling = bound(sharing(udp_socket()), loopback(port));
    const OtherProgram other("s=socket(2,2);s.setsockopt(1,15,1);s.bind(('127.0.0.2',10000))", 65534);
    EXPECT_EQ(cause(sharing(udp_socket()), wildcard(port)), "reuseport_other_user") << written;
    EXPECT_NE(sentence().find("127.0.0.2:10000"), std::string::npos) << written;
}

// Both families in one process.

TEST_F(Case, DualStackInOneProcess) {
    const Fd ipv4 = listener(wildcard(port));
    EXPECT_EQ(cause_for(wildcard(port, AF_INET6)), "ipv6_wildcard");
    EXPECT_TRUE(advises("IPV6_V6ONLY on the IPv6 socket")) << written;
    EXPECT_TRUE(advises("only the [::] socket")) << written;
    EXPECT_FALSE(advises("kill")) << written;
}

TEST_F(Case, DualStackOnUdp) {
    const Fd ipv4 = bound(udp_socket(), wildcard(port));
    EXPECT_EQ(cause(udp_socket(AF_INET6), wildcard(port, AF_INET6)), "ipv6_wildcard");
}

// EACCES.

/// Bind of TCP ports is what the ruleset handles, and it allows none.
bool forbid_binds_by_landlock() {
    const std::uint64_t attributes[] = {0, 1};
    const long ruleset = syscall(444, attributes, sizeof attributes, 0);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return ruleset >= 0 && syscall(446, ruleset, 0) == 0;
}

TEST_F(Case, LandlockIsNamedAndNotThePortsNumber) {
    const std::string text = in_child([this]() -> std::string {
        if (!forbid_binds_by_landlock()) {
            return "none";
        }
        const std::string told =
            cause_and_sentence(tcp_socket(), wildcard(8090), EACCES, EventKind::privileged);
        return told + (advises("ip_unprivileged_port_start") ? "; sysctl" : "");
    });
    if (text == "none") {
        PORTGUARD_SKIP("this kernel's Landlock knows no ports");
    }
    EXPECT_TRUE(text.starts_with("sandbox: ")) << text;
    EXPECT_NE(text.find("Landlock (1 ruleset in force)"), std::string::npos) << text;
    EXPECT_EQ(text.find("sysctl"), std::string::npos) << text;
}

TEST_F(Case, APortBelowTheFirstUnprivilegedOneWithoutTheCapability) {
    const std::string text = in_child([this] {
        act_as_user(65534);
        const std::string told =
            cause_and_sentence(tcp_socket(), wildcard(80), EACCES, EventKind::privileged);
        return told + (advises("sudo sysctl -w net.ipv4.ip_unprivileged_port_start=80") ? "; sysctl" : "");
    });
    EXPECT_TRUE(text.starts_with("privileged_port: ")) << text;
    EXPECT_NE(text.find("1024"), std::string::npos) << text;
    EXPECT_TRUE(text.ends_with("; sysctl")) << text;
}

// Addresses that are not here.

TEST_F(Case, IPv6ThatIsSwitchedOff) {
    set_sysctl("ipv6/conf/all/disable_ipv6", "1");
    EXPECT_EQ(cause(tcp_socket(AF_INET6), loopback(8080, AF_INET6), EADDRNOTAVAIL, EventKind::unavailable),
              "ipv6_disabled");
    EXPECT_TRUE(advises("sysctl -w net.ipv6.conf.all.disable_ipv6=0")) << written;
    EXPECT_FALSE(has("net.ipv4")) << written;
    set_sysctl("ipv6/conf/all/disable_ipv6", "0");
    EXPECT_TRUE(
        eventually([] { return bind_to(tcp_socket(AF_INET6), loopback(8080, AF_INET6)) == success; }));
}

TEST_F(Case, AnAddressThatNoInterfaceHas) {
    for (const char* absent : {"10.9.9.9", "2001:db8::9"}) {
        const Address asked = address(absent, 8080);
        const int family = asked.storage.ss_family;
        EXPECT_EQ(cause(tcp_socket(family), asked, EADDRNOTAVAIL, EventKind::unavailable), "no_such_address");
        const bool ipv6 = family == AF_INET6;
        EXPECT_TRUE(advises(ipv6 ? "net.ipv6.ip_nonlocal_bind=1" : "net.ipv4.ip_nonlocal_bind=1")) << written;
        EXPECT_FALSE(has(ipv6 ? "net.ipv4" : "net.ipv6")) << written;
        EXPECT_TRUE(advises("ip address add " + std::string(absent))) << written;
        set_sysctl(ipv6 ? "ipv6/ip_nonlocal_bind" : "ipv4/ip_nonlocal_bind", "1");
        EXPECT_EQ(bind_to(tcp_socket(family), asked), success) << "the cure works";
    }
}

TEST_F(Case, AConnectThatNoAddressReachesIsHarmless) {
    set_sysctl("ipv6/conf/all/disable_ipv6", "1");
    const Fd socket = tcp_socket(AF_INET6);
    const Address peer = loopback(5432, AF_INET6);
    ASSERT_EQ(connect_to(socket, peer), Outcome{EADDRNOTAVAIL});
    FailedCall report(socket, peer);
    report.snapshot.kind = EventKind::unavailable;
    report.snapshot.call = Call::connect;
    report.snapshot.error = EADDRNOTAVAIL;
    EXPECT_EQ(reported_cause(report), "no_source_address");
    EXPECT_NE(sentence().find("net.ipv6.conf.all.disable_ipv6"), std::string::npos) << written;
}

// Whom no advice may end.

TEST_F(Case, InterpretersAreToldApartByTheirScripts) {
    const OtherProgram server("l=socket();l.bind(('127.0.0.1',10000));l.listen()");
    EXPECT_EQ(cause_for(loopback(port)), "listener_other_program");
    EXPECT_EQ(sentence().find("same program"), std::string::npos) << written;
}

TEST_F(Case, AllThatShareASocketAreNamedTogether) {
    const OtherProgram server("l=socket();l.bind(('127.0.0.1',10000));l.listen()\n"
                              "child=os.fork()\n"
                              "if child==0: time.sleep(600)\n");
    EXPECT_EQ(cause_for(loopback(port)), "listener_other_program");
    const std::string command = "kill " + std::to_string(server.pid()) + " ";
    EXPECT_TRUE(advises(command)) << "parent and child: " << written;
    for (const auto& owner : event["holders"][0]["owners"]) {
        kill(owner["pid"].get<pid_t>(), SIGKILL);
    }
    EXPECT_TRUE(eventually([] { return bind_to(tcp_socket(), loopback(port)) == success; }))
        << "the cure works";
}

TEST_F(Case, AHolderBoundToADeviceIsShownWithIt) {
    Fd held = tcp_socket();
    ASSERT_EQ(set_option(held, SOL_SOCKET, SO_BINDTOIFINDEX, static_cast<int>(if_nametoindex("lo"))),
              success);
    held = listener(std::move(held), wildcard(port));
    config.format = Format::text;
    const Fd socket = tcp_socket();
    EXPECT_EQ(bind_to(socket, wildcard(port)), Outcome{EADDRINUSE});
    EXPECT_NE(told(FailedCall(socket, wildcard(port))).find("0.0.0.0%lo:10000 LISTEN"), std::string::npos)
        << written;
}

TEST_F(Case, AHolderThatProcDoesNotEvenListIsNotSaidToBeNoProcess) {
    Fd server = listener(loopback(port));
    const std::string text = in_child([&]() -> std::string {
        server.reset();
        if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            mount("proc", "/proc", "proc", 0, "hidepid=2") != 0) {
            return "none";
        }
        act_as_user(65534);
        return cause_and_sentence(tcp_socket(), loopback(port));
    });
    if (text == "none") {
        PORTGUARD_SKIP("no mount namespace to be had, or no hidepid");
    }
    EXPECT_NE(text.find("a process of uid 0 listens on 127.0.0.1:10000"), std::string::npos) << text;
}

TEST_F(Case, APortOfTheKernelsOwn) {
    if (std::system("ip link add vxlan7 type vxlan id 7 dstport 4789 local 127.0.0.1 dev lo && "
                    "ip link set vxlan7 up") != 0) {
        PORTGUARD_SKIP("this kernel has no VXLAN");
    }
    EXPECT_EQ(cause(udp_socket(), wildcard(4789)), "udp_holder");
    EXPECT_NE(sentence().find("the kernel itself for vxlan7 (vxlan)"), std::string::npos) << written;
    EXPECT_FALSE(advises("kill")) << written;
}

TEST_F(Case, AReportOfFiveHoldersFitsAScreen) {
    const OtherProgram server("k=[]\n"
                              "for i in range(1,6):\n"
                              " l=socket();l.bind(('127.0.0.%d'%i,10000));l.listen();k+=[l]");
    config.format = Format::text;
    const Fd socket = tcp_socket();
    EXPECT_EQ(bind_to(socket, wildcard(port)), Outcome{EADDRINUSE});
    const std::string text = told(FailedCall(socket, wildcard(port)));
    EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 24) << text;
    EXPECT_NE(text.find("127.0.0.5:10000"), std::string::npos) << text;
    EXPECT_NE(text.find("  now      kill "), std::string::npos) << text;
    EXPECT_NE(text.find("  lasting  "), std::string::npos) << text;
}

TEST_F(Case, ATitleIsShownWhole) {
    const OtherProgram other("l=socket();l.bind(('127.0.0.1',10000));l.listen()\n"
                             "import ctypes\n"
                             "title=b'nginx: master process /usr/sbin/nginx -c /x/nginx.conf'\n"
                             "at=int(open('/proc/self/stat').read().rsplit(')',1)[1].split()[45])\n"
                             "size=int(open('/proc/self/stat').read().rsplit(')',1)[1].split()[46])-at\n"
                             "ctypes.memset(at,0,size);ctypes.memmove(at,title,len(title))");
    config.format = Format::text;
    const Fd socket = tcp_socket();
    EXPECT_EQ(bind_to(socket, loopback(port)), Outcome{EADDRINUSE});
    EXPECT_NE(told(FailedCall(socket, loopback(port))).find(": nginx: master process"), std::string::npos)
        << written;
}

} // namespace
} // namespace portguard::test
