#include "core/endpoint.h"

#include <cstddef>
#include <cstring>
#include <memory>
#include <ostream>
#include <string>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "core/making.h"

namespace portguard {
namespace {

using test::ipv4;
using test::ipv6;
using test::SocketAddress;

constexpr socklen_t ipv6_without_scope = offsetof(sockaddr_in6, sin6_scope_id);

std::string printed(const Endpoint& endpoint) {
    return test::written([&](TextWriter& out) { print_endpoint(endpoint, out); });
}

Endpoint read(const SocketAddress& address) {
    return read_endpoint(address.get(), address.length);
}

/// "ipv4 80", "ipv6 0", "ipv4 80 unspecified", "other".
std::string target_of(const sockaddr* address, socklen_t length) {
    const Target target = read_target(address, length);
    if (target.family == Family::other) {
        EXPECT_EQ(target.port, 0);
        EXPECT_FALSE(target.unspecified_family);
        return "other";
    }
    return (target.family == Family::ipv4 ? "ipv4 " : "ipv6 ") + std::to_string(target.port) +
           (target.unspecified_family ? " unspecified" : "");
}

std::string target_of(const SocketAddress& address) {
    return target_of(address.get(), address.length);
}

/// The same bytes in an allocation of exactly `length`, where a sanitizer sees every byte read beyond it.
std::string target_of_exactly(const SocketAddress& address, socklen_t length) {
    const auto bytes = std::make_unique<char[]>(length);
    std::memcpy(bytes.get(), &address.storage, length);
    return target_of(reinterpret_cast<const sockaddr*>(bytes.get()), length);
}

TEST(ReadTarget, TakesFamilyAndPortOfInternetAddresses) {
    for (const std::uint16_t port : test::PortNumbers{0, 1, 80, 256, 65535}) {
        EXPECT_EQ(target_of(ipv4("10.1.2.3", port)), "ipv4 " + std::to_string(port));
        EXPECT_EQ(target_of(ipv6("2001:db8::1", port)), "ipv6 " + std::to_string(port));
        EXPECT_EQ(target_of(ipv6("::ffff:10.1.2.3", port)), "ipv6 " + std::to_string(port));
    }
}

TEST(ReadTarget, TakesUnspecifiedFamilyWithAnyAddressAsIpv4) {
    EXPECT_EQ(target_of(ipv4("0.0.0.0", 80, AF_UNSPEC)), "ipv4 80 unspecified");
    EXPECT_EQ(target_of(ipv4("127.0.0.1", 80, AF_UNSPEC)), "other");
}

TEST(ReadTarget, LeavesOtherFamiliesAlone) {
    EXPECT_EQ(target_of(test::unix_path("/tmp/x")), "other");
    EXPECT_EQ(target_of(ipv4("10.1.2.3", 80, AF_PACKET)), "other");
    EXPECT_EQ(target_of(ipv4("10.1.2.3", 80, AF_NETLINK)), "other");
}

TEST(ReadTarget, LeavesToTheKernelWhatIsTooShortForItsFamily) {
    for (socklen_t length = 0; length < sizeof(sockaddr_in); ++length) {
        EXPECT_EQ(target_of_exactly(ipv4("10.1.2.3", 80), length), "other") << length;
        EXPECT_EQ(target_of_exactly(ipv4("0.0.0.0", 80, AF_UNSPEC), length), "other") << length;
    }
    for (socklen_t length = 0; length < ipv6_without_scope; ++length) {
        EXPECT_EQ(target_of_exactly(ipv6("::1", 80), length), "other") << length;
    }
    EXPECT_EQ(target_of_exactly(ipv4("10.1.2.3", 80), sizeof(sockaddr_in)), "ipv4 80");
    EXPECT_EQ(target_of_exactly(ipv6("::1", 80), ipv6_without_scope), "ipv6 80");
}

TEST(ReadTarget, TakesLongerAddressesUpToTheKernelsLimit) {
    const SocketAddress address = ipv4("10.1.2.3", 80);
    EXPECT_EQ(target_of(address.get(), sizeof(sockaddr_storage)), "ipv4 80");
    EXPECT_EQ(target_of(address.get(), sizeof(sockaddr_storage) + 1), "other");
    EXPECT_EQ(target_of(address.get(), static_cast<socklen_t>(-1)), "other");
}

TEST(ReadTarget, NeverTouchesAPointerThatCannotBeOne) {
    // Of 64 bits, what lies above the user half; of 32, the last page.
    constexpr auto too_high =
        static_cast<std::uintptr_t>(sizeof(void*) == 8 ? std::uint64_t{1} << 47 : 0xfffff000);
    for (const std::uintptr_t number :
         {std::uintptr_t{0}, std::uintptr_t{1}, std::uintptr_t{4095}, too_high, ~std::uintptr_t{0}}) {
        const sockaddr* const pointer = test::wild_pointer(number);
        EXPECT_EQ(target_of(pointer, sizeof(sockaddr_in)), "other") << number;
        EXPECT_FALSE(is_disconnect(pointer, sizeof(sockaddr_in))) << number;
        EXPECT_EQ(read_endpoint(pointer, sizeof(sockaddr_in)).family, Family::other) << number;
    }
}

TEST(ReadTarget, TakesAnAddressAtAnOddPlace) {
    char memory[sizeof(sockaddr_in6) + 1];
    const SocketAddress address = ipv6("::1", 80);
    std::memcpy(memory + 1, &address.storage, sizeof(sockaddr_in6));
    EXPECT_EQ(target_of(reinterpret_cast<const sockaddr*>(memory + 1), sizeof(sockaddr_in6)), "ipv6 80");
}

TEST(IsDisconnect, IsUnspecifiedFamilyOfAnyLength) {
    const SocketAddress unspecified = ipv4("127.0.0.1", 80, AF_UNSPEC);
    EXPECT_TRUE(is_disconnect(unspecified.get(), sizeof(sockaddr_in)));
    EXPECT_TRUE(is_disconnect(unspecified.get(), sizeof(sa_family_t)));
    EXPECT_FALSE(is_disconnect(unspecified.get(), sizeof(sa_family_t) - 1));
    EXPECT_FALSE(is_disconnect(unspecified.get(), sizeof(sockaddr_storage) + 1));
    EXPECT_FALSE(is_disconnect(ipv4("127.0.0.1", 80).get(), sizeof(sockaddr_in)));
    EXPECT_FALSE(is_disconnect(nullptr, sizeof(sockaddr_in)));
}

TEST(ReadEndpoint, FoldsV4MappedAddressesToIpv4) {
    const Endpoint mapped = read(ipv6("::ffff:10.1.2.3", 80));
    EXPECT_EQ(mapped.family, Family::ipv4);
    EXPECT_TRUE(mapped.v4_mapped);
    EXPECT_EQ(mapped.address, read(ipv4("10.1.2.3", 80)).address);
    EXPECT_FALSE(read(ipv4("10.1.2.3", 80)).v4_mapped);
    EXPECT_FALSE(read(ipv6("2001:db8::1", 80)).v4_mapped);
}

TEST(ReadEndpoint, TellsWildcardAndLoopback) {
    struct Row {
        SocketAddress address;
        bool wildcard, loopback;
    };
    const Row rows[] = {
        {ipv4("0.0.0.0", 80), true, false},
        {ipv4("127.0.0.1", 80), false, true},
        {ipv4("127.255.255.254", 80), false, true},
        {ipv4("10.0.0.127", 80), false, false},
        {ipv6("::", 80), true, false},
        {ipv6("::1", 80), false, true},
        {ipv6("::2", 80), false, false},
        {ipv6("7f00::1", 80), false, false},
        {ipv6("::ffff:0.0.0.0", 80), true, false},
        {ipv6("::ffff:127.0.0.1", 80), false, true},
    };
    for (const Row& row : rows) {
        const Endpoint endpoint = read(row.address);
        SCOPED_TRACE(printed(endpoint));
        EXPECT_EQ(endpoint.is_wildcard(), row.wildcard);
        EXPECT_EQ(endpoint.is_loopback(), row.loopback);
    }
}

TEST(ScopeOf, IsTheInterfaceOfALinkLocalAddressAlone) {
    const auto scope = [](const char* text, socklen_t length) {
        SocketAddress address = ipv6(text, 80);
        reinterpret_cast<sockaddr_in6*>(&address.storage)->sin6_scope_id = 7;
        return scope_of(address.get(), length);
    };
    EXPECT_EQ(scope("fe80::1", sizeof(sockaddr_in6)), 7U);
    EXPECT_EQ(scope("febf::1", sizeof(sockaddr_in6)), 7U);
    EXPECT_EQ(scope("fe80::1", offsetof(sockaddr_in6, sin6_scope_id)), 0U) << "it may be left out";
    EXPECT_EQ(scope("fec0::1", sizeof(sockaddr_in6)), 0U);
    EXPECT_EQ(scope("2001:db8::1", sizeof(sockaddr_in6)), 0U);
    const SocketAddress four = ipv4("169.254.0.1", 80);
    EXPECT_EQ(scope_of(four.get(), four.length), 0U);
}

TEST(PrintEndpoint, WritesAddressAndPort) {
    EXPECT_EQ(printed(read(ipv4("10.1.2.3", 80))), "10.1.2.3:80");
    EXPECT_EQ(printed(read(ipv4("0.0.0.0", 0))), "0.0.0.0:0");
    EXPECT_EQ(printed(read(ipv4("255.255.255.255", 65535))), "255.255.255.255:65535");
    EXPECT_EQ(printed(read(ipv6("::ffff:10.1.2.3", 80))), "10.1.2.3:80");
    Endpoint without_address;
    without_address.port = 80;
    EXPECT_EQ(printed(without_address), "*:80");
}

TEST(PrintEndpoint, WritesIpv6AsTheSystemDoes) {
    for (const char* text : {"::", "::1", "1::", "1::8", "2001:db8::1", "2001:db8:0:1:1:1:1:1", "1:0:0:4::8",
                             "1::5:0:0:8", "1:2:3:4:5:6:7:8", "ff02::1:ff00:42", "fe80::a00:27ff:fe4e:66a1",
                             "1:2:3:4:5:6::", "0:1:2:3:4:5:6:7", "1:2:3:4:5:6:7:0"}) {
        in6_addr bytes{};
        ASSERT_EQ(inet_pton(AF_INET6, text, &bytes), 1) << text;
        char expected[INET6_ADDRSTRLEN];
        ASSERT_NE(inet_ntop(AF_INET6, &bytes, expected, sizeof expected), nullptr);
        EXPECT_EQ(printed(read(ipv6(text, 443))), '[' + std::string(expected) + "]:443");
    }
}

} // namespace
} // namespace portguard
