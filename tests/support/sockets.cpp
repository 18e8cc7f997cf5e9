#include "support/sockets.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>

#include <arpa/inet.h>

#include "support/waiting.h"

namespace portguard::test {
namespace {

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

Fd made(int domain, int type, int protocol) {
    Fd socket(::socket(domain, type | SOCK_CLOEXEC, protocol));
    if (!socket.valid()) {
        fail("socket");
    }
    return socket;
}

bool table_has(const char* path, std::uint16_t port, TcpState state) {
    std::ifstream table(path);
    std::string line;
    std::getline(table, line); // the heading
    while (std::getline(table, line)) {
        // "  0: 0100007F:2710 00000000:0000 0A ...": slot, local, remote, state, all but the slot in hex.
        std::istringstream fields(line);
        std::string slot;
        std::string local;
        std::string remote;
        std::string shown;
        fields >> slot >> local >> remote >> shown;
        if (std::stoul(local.substr(local.rfind(':') + 1), nullptr, 16) == port &&
            std::stoul(shown, nullptr, 16) == static_cast<unsigned long>(state)) {
            return true;
        }
    }
    return false;
}

} // namespace

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
    if (outcome == success) {
        return out << "success";
    }
    const char* name = ::strerrorname_np(outcome.error);
    return out << (name != nullptr ? name : "unknown errno") << " (" << outcome.error << ")";
}

Outcome outcome_of(long result) {
    return result < 0 ? Outcome{errno} : success;
}

std::uint16_t Address::port() const {
    if (storage.ss_family == AF_INET6) {
        return ntohs(reinterpret_cast<const sockaddr_in6&>(storage).sin6_port);
    }
    return ntohs(reinterpret_cast<const sockaddr_in&>(storage).sin_port);
}

bool operator==(const Address& left, const Address& right) {
    return left.length == right.length && std::memcmp(&left.storage, &right.storage, left.length) == 0;
}

std::ostream& operator<<(std::ostream& out, const Address& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const bool six = address.storage.ss_family == AF_INET6;
    const void* raw =
        six ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6&>(address.storage).sin6_addr)
            : &reinterpret_cast<const sockaddr_in&>(address.storage).sin_addr;
    ::inet_ntop(six ? AF_INET6 : AF_INET, raw, text.data(), static_cast<socklen_t>(text.size()));
    return out << '[' << text.data() << "]:" << address.port();
}

Address address(const char* text, std::uint16_t port) {
    Address made_address;
    if (std::strchr(text, ':') != nullptr) {
        auto& six = reinterpret_cast<sockaddr_in6&>(made_address.storage);
        six.sin6_family = AF_INET6;
        six.sin6_port = htons(port);
        made_address.length = sizeof six;
        if (::inet_pton(AF_INET6, text, &six.sin6_addr) == 1) {
            return made_address;
        }
    } else {
        auto& four = reinterpret_cast<sockaddr_in&>(made_address.storage);
        four.sin_family = AF_INET;
        four.sin_port = htons(port);
        made_address.length = sizeof four;
        if (::inet_pton(AF_INET, text, &four.sin_addr) == 1) {
            return made_address;
        }
    }
    throw std::invalid_argument(std::string("not an address: ") + text);
}

Address loopback(std::uint16_t port, int family) {
    return address(family == AF_INET6 ? "::1" : "127.0.0.1", port);
}

Address wildcard(std::uint16_t port, int family) {
    return address(family == AF_INET6 ? "::" : "0.0.0.0", port);
}

Fd tcp_socket(int family) {
    return made(family, SOCK_STREAM, IPPROTO_TCP);
}
Fd udp_socket(int family) {
    return made(family, SOCK_DGRAM, IPPROTO_UDP);
}
Fd mptcp_socket(int family) {
    return Fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP));
}

Outcome set_option(const Fd& socket, int level, int name, int value) {
    return outcome_of(::setsockopt(socket.get(), level, name, &value, sizeof value));
}

int get_option(const Fd& socket, int level, int name) {
    int value = 0;
    socklen_t length = sizeof value;
    if (::getsockopt(socket.get(), level, name, &value, &length) != 0) {
        fail("getsockopt");
    }
    return value;
}

Outcome set_reuseaddr(const Fd& socket, bool on) {
    return set_option(socket, SOL_SOCKET, SO_REUSEADDR, on ? 1 : 0);
}

bool has_reuseaddr(const Fd& socket) {
    return get_option(socket, SOL_SOCKET, SO_REUSEADDR) != 0;
}

Fd flagged(Fd socket) {
    if (set_reuseaddr(socket) != success) {
        fail("setsockopt SO_REUSEADDR");
    }
    return socket;
}

Outcome bind_to(const Fd& socket, const Address& address) {
    return outcome_of(::bind(socket.get(), address.get(), address.length));
}

Outcome connect_to(const Fd& socket, const Address& address) {
    return outcome_of(::connect(socket.get(), address.get(), address.length));
}

Outcome listen_on(const Fd& socket, int backlog) {
    return outcome_of(::listen(socket.get(), backlog));
}

void reset_on_close(const Fd& socket) {
    const linger at_once{1, 0};
    if (::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) != 0) {
        fail("setsockopt SO_LINGER");
    }
}

Address local_address(const Fd& socket) {
    Address found;
    found.length = sizeof found.storage;
    if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&found.storage), &found.length) != 0) {
        fail("getsockname");
    }
    return found;
}

Address peer_address(const Fd& socket) {
    Address found;
    found.length = sizeof found.storage;
    if (::getpeername(socket.get(), reinterpret_cast<sockaddr*>(&found.storage), &found.length) != 0) {
        fail("getpeername");
    }
    return found;
}

std::uint16_t local_port(const Fd& socket) {
    return local_address(socket).port();
}

Fd listener(Fd socket, const Address& address) {
    if (bind_to(socket, address) != success) {
        fail("bind of a listener");
    }
    if (listen_on(socket) != success) {
        fail("listen");
    }
    return socket;
}

Connection connect_pair(const Fd& listening, Fd client) {
    Address target = local_address(listening);
    const int family = target.storage.ss_family;
    if (target == wildcard(target.port(), family)) {
        target = loopback(target.port(), family);
    }
    if (connect_to(client, target) != success) {
        fail("connect");
    }
    Fd server(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!server.valid()) {
        fail("accept");
    }
    return {std::move(client), std::move(server)};
}

Connection connect_pair(const Fd& listening) {
    return connect_pair(listening, tcp_socket(local_address(listening).storage.ss_family));
}

bool carries_data(const Connection& connection) {
    char byte = 0;
    return ::send(connection.client.get(), "c", 1, MSG_NOSIGNAL) == 1 &&
           ::recv(connection.server.get(), &byte, 1, 0) == 1 && byte == 'c' &&
           ::send(connection.server.get(), "s", 1, MSG_NOSIGNAL) == 1 &&
           ::recv(connection.client.get(), &byte, 1, 0) == 1 && byte == 's';
}

std::uint16_t into_time_wait(Fd first, Fd second) {
    const std::uint16_t port = local_port(first);
    first.reset();
    second.reset();
    if (!eventually([port] { return port_is_in_state(port, TcpState::time_wait); })) {
        throw std::runtime_error("port " + std::to_string(port) + " never showed TIME_WAIT");
    }
    return port;
}

bool port_is_in_state(std::uint16_t local_port, TcpState state) {
    return table_has("/proc/net/tcp", local_port, state) || table_has("/proc/net/tcp6", local_port, state);
}

} // namespace portguard::test
