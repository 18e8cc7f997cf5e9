#include "victims/address_words.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/un.h>

namespace victim {
namespace {

const sockaddr* as_sockaddr(const sockaddr_storage& storage) {
    return reinterpret_cast<const sockaddr*>(&storage);
}

in_port_t port_of(const std::string& text) {
    return htons(static_cast<std::uint16_t>(std::strtoul(text.c_str(), nullptr, 10)));
}

void make_ipv4(int family, const std::string& host, const std::string& port, Argument& argument) {
    auto& four = reinterpret_cast<sockaddr_in&>(argument.storage);
    four.sin_family = static_cast<sa_family_t>(family);
    four.sin_port = port_of(port);
    if (host != "*" && ::inet_pton(AF_INET, host.c_str(), &four.sin_addr) != 1) {
        std::abort();
    }
    argument.length = sizeof four;
}

void make_ipv6(const std::string& host, const std::string& port, Argument& argument) {
    auto& six = reinterpret_cast<sockaddr_in6&>(argument.storage);
    six.sin6_family = AF_INET6;
    six.sin6_port = port_of(port);
    if (host != "*" && ::inet_pton(AF_INET6, host.c_str(), &six.sin6_addr) != 1) {
        std::abort();
    }
    argument.length = sizeof six;
}

void make_unix(const std::string& name, Argument& argument) {
    auto& local = reinterpret_cast<sockaddr_un&>(argument.storage);
    local.sun_family = AF_UNIX;
    std::memcpy(local.sun_path, name.data(), name.size());
    local.sun_path[0] = '\0';
    argument.length = static_cast<socklen_t>(sizeof local.sun_family + name.size());
}

void make_netlink(Argument& argument) {
    auto& netlink = reinterpret_cast<sockaddr_nl&>(argument.storage);
    netlink.nl_family = AF_NETLINK;
    argument.length = sizeof netlink;
}

/// "family:2:80" or "family:0:80:127.0.0.1"
void make_of_family(const std::string& word, Argument& argument) {
    const std::size_t port = word.find(':', 7) + 1;
    const std::size_t host = word.find(':', port);
    make_ipv4(static_cast<int>(std::strtol(word.c_str() + 7, nullptr, 10)),
              host == std::string::npos ? "*" : word.substr(host + 1), word.substr(port, host - port),
              argument);
}

/// An address where nothing is mapped now; the page is never given back, so nothing comes there.
const sockaddr* unmapped_page() {
    void* const page = ::mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return static_cast<const sockaddr*>(page);
}

bool is_bad_pointer(const std::string& word, Argument& argument) {
    argument.length = sizeof(sockaddr_in);
    if (word == "null") {
        argument.pointer = nullptr;
    } else if (word == "unmapped") {
        argument.pointer = unmapped_page();
    } else if (word.rfind("ptr:", 0) == 0) {
        const auto number = static_cast<std::intptr_t>(std::strtol(word.c_str() + 4, nullptr, 10));
        argument.pointer = reinterpret_cast<const sockaddr*>(number); // NOLINT(performance-no-int-to-ptr)
    } else {
        return false;
    }
    return true;
}

} // namespace

void read_address(const std::string& word, Argument& argument) {
    if (is_bad_pointer(word, argument)) {
        return;
    }
    argument.pointer = as_sockaddr(argument.storage);
    const std::size_t colon = word.rfind(':');
    if (word.rfind("unix:", 0) == 0) {
        make_unix(word.substr(5), argument);
    } else if (word.rfind("family:", 0) == 0) {
        make_of_family(word, argument);
    } else if (word == "netlink") {
        make_netlink(argument);
    } else if (word[0] == '[') {
        make_ipv6(word.substr(1, colon - 2), word.substr(colon + 1), argument);
    } else {
        make_ipv4(AF_INET, word.substr(0, colon), word.substr(colon + 1), argument);
    }
}

void address_of(int fd, Argument& argument) {
    argument.pointer = as_sockaddr(argument.storage);
    argument.length = sizeof argument.storage;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&argument.storage), &argument.length);
    auto& four = reinterpret_cast<sockaddr_in&>(argument.storage);
    auto& six = reinterpret_cast<sockaddr_in6&>(argument.storage);
    if (argument.storage.ss_family == AF_INET && four.sin_addr.s_addr == htonl(INADDR_ANY)) {
        four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else if (argument.storage.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&six.sin6_addr)) {
        six.sin6_addr = in6addr_loopback;
    }
}

} // namespace victim
