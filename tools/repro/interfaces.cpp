// rtnetlink(7), as far as one device and its addresses need it.
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/holders.h"
#include "kernel/syscalls.h"
#include "tools/refusal.h"
#include "tools/repro/network.h"
#include "tools/repro/scene.h"
#include "tools/socket_address.h"

namespace portguard::tools {
namespace {

constexpr const char* device_name = "repro0";

class Message {
public:
    Message(std::uint16_t type, std::uint16_t flags) {
        header().nlmsg_len = NLMSG_HDRLEN;
        header().nlmsg_type = type;
        header().nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    }

    template <typename Body>
    Message& body(const Body& value) {
        append(&value, sizeof value);
        return *this;
    }
    Message& attribute(std::uint16_t type, const void* data, std::size_t length) {
        const rtattr head{static_cast<std::uint16_t>(RTA_LENGTH(length)), type};
        append(&head, sizeof head);
        append(data, length);
        return *this;
    }
    /// What is appended until end() belongs to it.
    std::size_t begin(std::uint16_t type) {
        const std::size_t start = header().nlmsg_len;
        attribute(type, nullptr, 0);
        return start;
    }
    Message& end(std::size_t start) {
        const auto length = static_cast<std::uint16_t>(header().nlmsg_len - start);
        std::memcpy(bytes_.data() + start, &length, sizeof length);
        return *this;
    }

    /// 0, or the errno of the kernel's answer.
    int send() {
        const Syscalls syscalls;
        const ScopedFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), syscalls);
        std::array<std::byte, 4096> answer{};
        if (!socket.valid() || ::send(socket.get(), bytes_.data(), header().nlmsg_len, 0) < 0 ||
            ::recv(socket.get(), answer.data(), answer.size(), 0) <
                static_cast<ssize_t>(NLMSG_LENGTH(sizeof(nlmsgerr)))) {
            return errno;
        }
        nlmsgerr error{};
        std::memcpy(&error, answer.data() + NLMSG_HDRLEN, sizeof error);
        return -error.error;
    }

private:
    nlmsghdr& header() { return *reinterpret_cast<nlmsghdr*>(bytes_.data()); }
    void append(const void* data, std::size_t length) {
        if (length != 0) {
            std::memcpy(bytes_.data() + header().nlmsg_len, data, length);
        }
        header().nlmsg_len = NLMSG_ALIGN(header().nlmsg_len + static_cast<unsigned>(length));
    }

    alignas(nlmsghdr) std::array<std::byte, 512> bytes_{};
};

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
    return Message(RTM_NEWLINK, 0).body(link).send();
}

int make_dummy() {
    constexpr std::string_view kind = "dummy";
    Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    message.body(ifinfomsg{}).attribute(IFLA_IFNAME, device_name, std::strlen(device_name) + 1);
    const std::size_t info = message.begin(IFLA_LINKINFO);
    message.attribute(IFLA_INFO_KIND, kind.data(), kind.size());
    return message.end(info).send();
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
    return Message(RTM_NEWADDR, NLM_F_CREATE)
        .body(address)
        .attribute(IFA_LOCAL, endpoint.address.data(), length)
        .attribute(IFA_ADDRESS, endpoint.address.data(), length)
        .attribute(IFA_FLAGS, &flags, sizeof flags)
        .send();
}

/// The route to a new IPv6 address is made by a work queue of the kernel's (addrconf_dad_work), which waits
/// while other namespaces are taken down.
bool is_reachable(const Endpoint& endpoint, unsigned index) {
    AskedAddress address;
    address.endpoint = endpoint;
    address.endpoint.port = 1;
    address.device = is_link_local(endpoint) ? index : 0;
    const SocketAddress target(address);
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
