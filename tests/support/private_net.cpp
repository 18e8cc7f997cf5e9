#include "support/private_net.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "support/fd.h"
#include "support/skip.h"

namespace portguard::test {
namespace {

void write_file(const std::string& path, std::string_view text) {
    std::ofstream file(path);
    file << text << std::flush;
    if (!file) {
        throw std::system_error(errno, std::generic_category(),
                                "write \"" + std::string(text) + "\" to " + path);
    }
}

void unshare_or_throw(int flags, const char* what) {
    if (::unshare(flags) != 0) {
        throw std::system_error(errno, std::generic_category(), what);
    }
}

void enter_as_user() {
    const std::string uid = std::to_string(::getuid());
    const std::string gid = std::to_string(::getgid());
    unshare_or_throw(CLONE_NEWUSER | CLONE_NEWNET, "unshare(CLONE_NEWUSER|CLONE_NEWNET)");
    // Without this first, an unprivileged writer of gid_map is refused (user_namespaces(7)).
    write_file("/proc/self/setgroups", "deny");
    write_file("/proc/self/uid_map", "0 " + uid + " 1");
    write_file("/proc/self/gid_map", "0 " + gid + " 1");
}

ifreq named(const char* name) {
    ifreq request{};
    std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    return request;
}

void interface_ioctl(unsigned long code, ifreq& request, const char* what) {
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (::ioctl(socket.get(), code, &request) != 0) {
        throw std::system_error(errno, std::generic_category(), what);
    }
}

void bring_lo_up() {
    ifreq request = named("lo");
    interface_ioctl(SIOCGIFFLAGS, request, "SIOCGIFFLAGS lo");
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP | IFF_RUNNING);
    interface_ioctl(SIOCSIFFLAGS, request, "SIOCSIFFLAGS lo up");
}

std::string sysctl_path(std::string_view name) {
    return "/proc/sys/net/" + std::string(name);
}

} // namespace

PrivateNet::PrivateNet() {
    try {
        // After the first user namespace the caller is root in it: later ones need no deeper nesting.
        if (::geteuid() == 0) {
            unshare_or_throw(CLONE_NEWNET, "unshare(CLONE_NEWNET)");
        } else {
            enter_as_user();
        }
        bring_lo_up();
    } catch (const std::exception& error) {
        unavailable_ = std::string("no private network namespace: ") + error.what();
    }
}

void PrivateNetTest::SetUp() {
    const PrivateNet net;
    if (!net.unavailable().empty()) {
        PORTGUARD_SKIP(net.unavailable());
    }
}

void set_sysctl(std::string_view name, std::string_view value) {
    write_file(sysctl_path(name), value);
}

std::string get_sysctl(std::string_view name) {
    std::ifstream file(sysctl_path(name));
    std::string line;
    if (!std::getline(file, line)) {
        throw std::runtime_error("cannot read " + sysctl_path(name));
    }
    return line;
}

void set_ephemeral_range(std::uint16_t low, std::uint16_t high) {
    set_sysctl("ipv4/ip_local_port_range", std::to_string(low) + " " + std::to_string(high));
}

void add_address_to_lo(const char* address) {
    ifreq request = named("lo:1");
    sockaddr_in value{};
    value.sin_family = AF_INET;
    if (::inet_pton(AF_INET, address, &value.sin_addr) != 1) {
        throw std::runtime_error(std::string("not an IPv4 address: ") + address);
    }
    std::memcpy(&request.ifr_addr, &value, sizeof value);
    interface_ioctl(SIOCSIFADDR, request, "SIOCSIFADDR lo:1");
}

} // namespace portguard::test
