#include "explain/address_facts.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <optional>

#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/number.h"
#include "core/text.h"
#include "kernel/folder.h"
#include "kernel/proc.h"

namespace portguard {
namespace {

constexpr const char* ipv6_list = "/proc/net/if_inet6";
// include/uapi/linux/if_addr.h.
constexpr unsigned duplicate_flag = 0x08;
constexpr unsigned tentative_flag = 0x40;
// IFF_LOWER_UP of include/uapi/linux/if.h, which cannot be had beside net/if.h.
constexpr unsigned lower_up = 1U << 16;

bool is_on(const std::string& path) {
    constexpr std::size_t longest = 16;
    const auto text = read_text_file(path.c_str(), longest, Syscalls{});
    return text.has_value() && trimmed(std::string_view(*text).substr(0, text->find('\n'))) == "1";
}

std::string hexadecimal(const Endpoint& endpoint) {
    std::string text;
    for (const std::uint8_t byte : endpoint.address) {
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 15];
    }
    return text;
}

/// "fe80…01 02 40 20 80     eth0": address, index, length of the prefix, scope, flags, name.
void read_ipv6_list(const AskedAddress& asked, AddressFacts& facts) {
    constexpr std::size_t longest = 256 * 1024;
    const auto text = read_text_file(ipv6_list, longest, Syscalls{});
    std::string_view rest = text.has_value() ? std::string_view(*text) : std::string_view();
    const std::string wanted = hexadecimal(asked.endpoint);
    while (!rest.empty()) {
        std::string_view line = next_field(rest, '\n');
        if (next_field(line, ' ') != wanted) {
            continue;
        }
        next_field(line, ' ');
        facts.prefix_length = parse_number<unsigned>(next_field(line, ' '), 16).value_or(facts.prefix_length);
        next_field(line, ' ');
        const unsigned flags = parse_number<unsigned>(next_field(line, ' '), 16).value_or(0);
        facts.interface = trimmed(line);
        facts.is_duplicate = (flags & duplicate_flag) != 0;
        facts.is_tentative = (flags & tentative_flag) != 0;
        if (facts.interface == facts.asked_interface) {
            return;
        }
    }
}

void read_interfaces(const AskedAddress& asked, AddressFacts& facts) {
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0) {
        return;
    }
    const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owned(list, freeifaddrs);
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        if ((entry->ifa_flags & IFF_LOOPBACK) != 0 && (entry->ifa_flags & IFF_UP) == 0) {
            facts.is_loopback_down = asked.endpoint.is_loopback();
        }
        if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET) {
            continue;
        }
        const Endpoint own = read_endpoint(entry->ifa_addr, sizeof(sockaddr_in));
        if (asked.endpoint.family == Family::ipv4 && own.address == asked.endpoint.address) {
            facts.interface = entry->ifa_name;
        }
    }
}

/// From the kernel's list and not by SIOCGIFFLAGS: before Linux 6.13 IFF_RUNNING follows the carrier with a
/// delay of up to a second, and the flag that does not is one of those that do not fit there.
void read_link(AddressFacts& facts) {
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0) {
        return;
    }
    const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owned(list, freeifaddrs);
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        if (facts.interface == entry->ifa_name) {
            facts.is_interface_up = (entry->ifa_flags & IFF_UP) != 0;
            facts.has_carrier = (entry->ifa_flags & IFF_RUNNING) != 0 && (entry->ifa_flags & lower_up) != 0;
        }
    }
}

std::string disabling_setting(const std::string& interface, bool is_loopback) {
    const std::string folder = "/proc/sys/net/ipv6/conf/";
    const std::string own = !interface.empty() ? interface : is_loopback ? "lo" : "";
    for (const std::string& name : {std::string("all"), own}) {
        if (!name.empty() && is_on(folder + name + "/disable_ipv6")) {
            return "net.ipv6.conf." + name + ".disable_ipv6";
        }
    }
    return {};
}

} // namespace

std::vector<std::string> find_tunnels() {
    constexpr std::string_view drivers[] = {"vxlan", "geneve", "wireguard", "bareudp", "gtp"};
    std::vector<std::string> found;
    const std::unique_ptr<struct if_nameindex, void (*)(struct if_nameindex*)> list(if_nameindex(),
                                                                                    if_freenameindex);
    const Syscalls syscalls;
    const ScopedFd socket(syscalls.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), syscalls);
    for (const auto* entry = list.get(); entry != nullptr && entry->if_index != 0; ++entry) {
        ethtool_drvinfo info{};
        info.cmd = ETHTOOL_GDRVINFO;
        ifreq request{};
        std::strncpy(request.ifr_name, entry->if_name, IFNAMSIZ - 1);
        request.ifr_data = reinterpret_cast<char*>(&info);
        if (ioctl(socket.get(), SIOCETHTOOL, &request) == 0 &&
            std::find(std::begin(drivers), std::end(drivers), std::string_view(info.driver)) !=
                std::end(drivers)) {
            found.push_back(std::string(entry->if_name) + " (" + info.driver + ")");
        }
    }
    return found;
}

std::string interface_name(std::uint32_t index) {
    char name[IF_NAMESIZE];
    return if_indextoname(index, name) != nullptr ? std::string(name) : "interface " + std::to_string(index);
}

AddressFacts ask_address(const AskedAddress& asked) {
    AddressFacts facts;
    char name[IF_NAMESIZE];
    if (asked.device != 0 && if_indextoname(asked.device, name) != nullptr) {
        facts.asked_interface = name;
    }
    const bool is_ipv6 = asked.endpoint.family == Family::ipv6;
    read_interfaces(asked, facts);
    facts.has_ipv6 = access(ipv6_list, F_OK) == 0;
    facts.is_nonlocal_allowed =
        is_on(std::string("/proc/sys/net/") + (is_ipv6 ? "ipv6" : "ipv4") + "/ip_nonlocal_bind");
    if (is_ipv6) {
        read_ipv6_list(asked, facts);
        facts.disabled_by = disabling_setting(facts.asked_interface, asked.endpoint.is_loopback());
    }
    if (!facts.interface.empty()) {
        read_link(facts);
    }
    return facts;
}

} // namespace portguard
