// rtnetlink(7), as far as one device and its addresses need it.
#include <cerrno>
#include <chrono>
#include <cstring>

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/holders.h"
#include "kernel/netlink_ask.h"
#include "kernel/socket_address.h"
#include "kernel/syscalls.h"
#include "tools/common/refusal.h"
#include "tools/repro/network.h"
#include "tools/repro/scene.h"

namespace portguard::tools {
namespace {

constexpr const char* device_name = "repro0";

NetlinkRequest request(std::uint16_t type, std::uint16_t flags) {
    return {type, static_cast<std::uint16_t>(NLM_F_ACK | flags), 1};
}

void require(int error, const char* what) {
    if (error != 0) {
        throw Refusal(ExitCode::findings,
                      std::string("the private network lacks ") + what + " (" + describe_errno(error) + ")");
    }
}

int bring_up(unsigned index) {
    ifinfomsg link{};
    link.ifi_index = static_cast<int>(index);
    link.ifi_flags = link.ifi_change = IFF_UP;
    return ask_netlink(NETLINK_ROUTE, request(RTM_NEWLINK, 0).body(link));
}

int make_dummy() {
    constexpr std::string_view kind = "dummy";
    NetlinkRequest message = request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    message.body(ifinfomsg{}).attribute(IFLA_IFNAME, device_name, std::strlen(device_name) + 1);
    const std::size_t info = message.begin(IFLA_LINKINFO);
    message.attribute(IFLA_INFO_KIND, kind.data(), kind.size());
    return ask_netlink(NETLINK_ROUTE, message.end(info));
}

int add_address(unsigned index, const Endpoint& endpoint) {
    const bool ipv6 = endpoint.family == Family::ipv6;
    const std::size_t length = ipv6 ? 16 : 4;
    ifaddrmsg address{};
    address.ifa_family = ipv6 ? AF_INET6 : AF_INET;
    address.ifa_index = index;
    address.ifa_prefixlen = static_cast<std::uint8_t>(length * 8);
    // Nobody else is there who could have it: no detection, which would take a second. The one route to it is
    // that of a local address, which is_reachable() waits for.
    constexpr std::uint32_t flags = IFA_F_NODAD | IFA_F_NOPREFIXROUTE;
    return ask_netlink(NETLINK_ROUTE, request(RTM_NEWADDR, NLM_F_CREATE)
                                          .body(address)
                                          .attribute(IFA_LOCAL, endpoint.address.data(), length)
                                          .attribute(IFA_ADDRESS, endpoint.address.data(), length)
                                          .attribute(IFA_FLAGS, &flags, sizeof flags));
}

/// The route to a new IPv6 address is made by a work queue of the kernel's (addrconf_dad_work), which waits
/// while other namespaces are taken down.
bool is_reachable(const Endpoint& endpoint, unsigned index) {
    AskedAddress address;
    address.endpoint = endpoint;
    address.endpoint.port = 1;
    address.device = endpoint.is_link_local() ? index : 0;
    const SocketAddress target = socket_address(address);
    const Syscalls syscalls;
    const ScopedFd socket(::socket(target.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0), syscalls);
    return ::connect(socket.get(), target.get(), target.length()) == 0;
}

void wait_until_reachable(const Endpoint& endpoint, unsigned index) {
    constexpr std::chrono::seconds patience{20};
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!is_reachable(endpoint, index) && std::chrono::steady_clock::now() < end) {
        ::poll(nullptr, 0, 1);
    }
}

} // namespace

std::uint32_t add_interfaces(const std::vector<Endpoint>& addresses) {
    const unsigned loopback = ::if_nametoindex("lo");
    require(bring_up(loopback), "an interface \"lo\"");
    if (addresses.empty()) {
        return 0;
    }
    const unsigned index = make_dummy() == 0 ? ::if_nametoindex(device_name) : loopback;
    require(bring_up(index), "an interface for the event's addresses");
    for (const Endpoint& endpoint : addresses) {
        const int error = add_address(index, endpoint);
        require(error == EEXIST ? 0 : error, "an address of the event");
    }
    for (const Endpoint& endpoint : addresses) {
        wait_until_reachable(endpoint, index);
    }
    return index;
}

} // namespace portguard::tools
