// Sockets for tests. What a test asks about comes back as an Outcome; what it merely needs throws when it
// cannot be had, which GoogleTest reports as a failure.
#pragma once

#include <cstdint>
#include <iosfwd>

#include <netinet/in.h>
#include <sys/socket.h>

#include "support/fd.h"

namespace portguard::test {

/// What a system call said: 0 or an errno. Prints as its name, so that a failed EXPECT_EQ tells what the
/// kernel did instead.
struct Outcome {
    int error = 0;
    friend bool operator==(const Outcome&, const Outcome&) = default;
};
inline constexpr Outcome success{0};
std::ostream& operator<<(std::ostream& out, const Outcome& outcome);

/// Outcome of a call that returns -1 and sets errno when it fails.
Outcome outcome_of(long result);

struct Address {
    sockaddr_storage storage{};
    socklen_t length = 0;

    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
    [[nodiscard]] std::uint16_t port() const;
    friend bool operator==(const Address& left, const Address& right);
};
std::ostream& operator<<(std::ostream& out, const Address& address);

/// IPv6 where `text` holds a colon.
Address address(const char* text, std::uint16_t port);
Address loopback(std::uint16_t port, int family = AF_INET);
Address wildcard(std::uint16_t port, int family = AF_INET);

/// All are close-on-exec. An IPv6 socket is as the kernel makes it: IPV6_V6ONLY off.
Fd tcp_socket(int family = AF_INET);
Fd udp_socket(int family = AF_INET);
/// Not valid where the kernel has no MPTCP.
Fd mptcp_socket(int family = AF_INET);

Outcome set_option(const Fd& socket, int level, int name, int value);
int get_option(const Fd& socket, int level, int name);
Outcome set_reuseaddr(const Fd& socket, bool on = true);
bool has_reuseaddr(const Fd& socket);
/// `socket` with SO_REUSEADDR on: `Fd server = flagged(tcp_socket());`
Fd flagged(Fd socket);

Outcome bind_to(const Fd& socket, const Address& address);
Outcome connect_to(const Fd& socket, const Address& address);
Outcome listen_on(const Fd& socket, int backlog = 4096);
/// close() sends an RST: nothing of the connection, not even TIME_WAIT, is left to hold its port.
void reset_on_close(const Fd& socket);

Address local_address(const Fd& socket);
Address peer_address(const Fd& socket);
std::uint16_t local_port(const Fd& socket);

/// Binds and listens on `socket`; throws if either fails.
Fd listener(Fd socket, const Address& address);
inline Fd listener(const Address& address) {
    return listener(tcp_socket(address.storage.ss_family), address);
}

struct Connection {
    Fd client;
    Fd server;
};
/// A connection to a listening socket; `client` may be bound already.
Connection connect_pair(const Fd& listening, Fd client);
Connection connect_pair(const Fd& listening);
/// A byte each way arrives.
bool carries_data(const Connection& connection);

/// Closes both ends, `first` first, and waits until its port shows TIME_WAIT. Returns that port. The address
/// pair of `first` is what remains.
std::uint16_t into_time_wait(Fd first, Fd second);

/// The state numbers of include/net/tcp_states.h that tests ask about.
enum class TcpState : std::uint8_t {
    established = 1,
    syn_sent = 2,
    fin_wait2 = 5,
    time_wait = 6,
    close = 7,
    listen = 10
};
/// As /proc/net/tcp and tcp6 tell it. Bound sockets that do not listen are not in there.
bool port_is_in_state(std::uint16_t local_port, TcpState state);

} // namespace portguard::test
