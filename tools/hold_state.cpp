#include "tools/hold_state.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/text.h"
#include "kernel/holders.h"
#include "tools/refusal.h"
#include "tools/socket_address.h"

namespace portguard::tools {
namespace {

struct StateWord {
    std::string_view word;
    HeldState state;
    /// What sock_diag shows of it.
    SocketState shown;
};

constexpr std::array state_words{
    StateWord{"listen", HeldState::listen, SocketState::listen},
    StateWord{"bound", HeldState::bound, SocketState::bound},
    StateWord{"established", HeldState::established, SocketState::established},
    StateWord{"time-wait", HeldState::time_wait, SocketState::time_wait},
    StateWord{"close-wait", HeldState::close_wait, SocketState::close_wait},
    StateWord{"fin-wait", HeldState::fin_wait, SocketState::fin_wait2},
    StateWord{"v6-wildcard", HeldState::v6_wildcard, SocketState::listen},
    StateWord{"udp", HeldState::udp, SocketState::unconnected},
};

const StateWord& word_of(HeldState state) {
    return state_words[static_cast<std::size_t>(state)];
}

bool is_connected(HeldState state) {
    return state == HeldState::established || state == HeldState::time_wait ||
           state == HeldState::close_wait || state == HeldState::fin_wait;
}

std::string describe_address(const Endpoint& endpoint) {
    Text<64> text;
    print_endpoint(endpoint, text);
    return std::string(text.view());
}

std::string way_out(const AskedAddress& address, int error) {
    switch (error) {
    case EADDRINUSE: return "`portguard who " + std::to_string(address.endpoint.port) + "` shows who has it";
    case EADDRNOTAVAIL: return "no interface of this network namespace has that address";
    case EACCES: return "a port below net.ipv4.ip_unprivileged_port_start needs CAP_NET_BIND_SERVICE";
    default: return "another port or address may do";
    }
}

[[noreturn]] void refuse(const AskedAddress& address, HeldState state, int error) {
    throw Refusal(error == EADDRINUSE ? ExitCode::findings : ExitCode::usage,
                  describe_address(address.endpoint) + " cannot be brought into " +
                      std::string(word_of(state).word) + ": " + describe_errno(error) + "; " +
                      way_out(address, error));
}

/// close() sends an RST then, and leaves no TIME_WAIT behind.
void reset_on_close(int fd) {
    const linger at_once{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

/// Where no address was named: what a plain server or client would have.
AskedAddress address_for(HeldState state, const AskedPort& asked) {
    AskedAddress address = asked.address;
    if (asked.names_address || state == HeldState::v6_wildcard) {
        return address;
    }
    address.endpoint.family = Family::ipv4;
    address.endpoint.address = {};
    if (is_connected(state)) {
        address.endpoint.address = {127, 0, 0, 1};
    }
    return address;
}

/// TIME_WAIT that the kernel is about to forget is none to rely on.
constexpr std::chrono::milliseconds renewal_margin{20};

/// The socket that shows `state`, as the kernel tells it.
std::optional<DiagSocket> find_state(HeldState state, const AskedAddress& address) {
    HolderOptions options;
    options.owners = false;
    const Protocol protocol = state == HeldState::udp ? Protocol::udp : Protocol::tcp;
    const HolderReport report = find_holders(address, protocol, options);
    for (const Holder& holder : report.holders) {
        if (holder.socket.state == word_of(state).shown) {
            return holder.socket;
        }
    }
    return std::nullopt;
}

/// FIN and ACK take their time, on loopback as well. Kernels before 6.8 do not show what is only bound.
void wait_for_state(HeldState state, const AskedAddress& address) {
    constexpr int most_tries = 2000;
    for (int tries = 0; state != HeldState::bound && !find_state(state, address).has_value(); ++tries) {
        if (tries == most_tries) {
            refuse(address, state, ETIME);
        }
        ::poll(nullptr, 0, 1);
    }
}

} // namespace

std::optional<HeldState> parse_held_state(std::string_view word) {
    const auto found = std::find_if(state_words.begin(), state_words.end(),
                                    [word](const StateWord& entry) { return entry.word == word; });
    return found == state_words.end() ? std::nullopt : std::optional(found->state);
}

StateSockets::StateSockets(HeldState state, const AskedPort& asked, bool reuseaddr)
    : state_(state), address_(address_for(state, asked)), reuseaddr_(reuseaddr) {
    if (is_connected(state)) {
        connect_out();
    } else {
        bind_only();
    }
    wait_for_state(state_, address_);
}

StateSockets::~StateSockets() {
    for (const int socket : sockets_) {
        ::close(socket);
    }
}

std::optional<std::chrono::milliseconds> StateSockets::lifetime() const {
    if (state_ != HeldState::time_wait) {
        return std::nullopt;
    }
    const auto socket = find_state(state_, address_);
    const auto left = std::chrono::milliseconds(socket.has_value() ? socket->timer_ms.value_or(0) : 0);
    return left + renewal_margin;
}

int StateSockets::open_socket(int family, int type) {
    const int fd = ::socket(family, type | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        refuse(address_, state_, errno);
    }
    sockets_.push_back(fd);
    return fd;
}

void StateSockets::bind_only() {
    const SocketAddress address(address_);
    const int fd = open_socket(address.family(), state_ == HeldState::udp ? SOCK_DGRAM : SOCK_STREAM);
    const int both_families = 0;
    const int reuse = reuseaddr_ ? 1 : 0;
    if (address.family() == AF_INET6) {
        ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &both_families, sizeof both_families);
    }
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
    const bool listens = state_ == HeldState::listen || state_ == HeldState::v6_wildcard;
    if (::bind(fd, address.get(), address.length()) != 0 || (listens && ::listen(fd, SOMAXCONN) != 0)) {
        refuse(address_, state_, errno);
    }
}

void StateSockets::connect_out() {
    AskedAddress any_port = address_;
    any_port.endpoint.port = 0;
    const SocketAddress target(any_port);
    const SocketAddress local(address_);
    const int listener = open_socket(target.family(), SOCK_STREAM);
    const int client = open_socket(target.family(), SOCK_STREAM);
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    const int reuse = reuseaddr_ ? 1 : 0;
    ::setsockopt(client, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
    if (::bind(client, local.get(), local.length()) != 0 ||
        ::bind(listener, target.get(), target.length()) != 0 || ::listen(listener, 1) != 0 ||
        ::getsockname(listener, reinterpret_cast<sockaddr*>(&peer), &length) != 0 ||
        ::connect(client, reinterpret_cast<const sockaddr*>(&peer), length) != 0) {
        refuse(address_, state_, errno);
    }
    const int server = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (server < 0) {
        refuse(address_, state_, errno);
    }
    sockets_.push_back(server);
    // Whoever sends FIN first is in FIN_WAIT, and the other one in CLOSE_WAIT, until that one closes too.
    if (state_ == HeldState::close_wait) {
        ::shutdown(server, SHUT_WR);
    } else if (state_ != HeldState::established) {
        ::shutdown(client, SHUT_WR);
    }
    if (state_ == HeldState::time_wait) {
        finish_connection(server);
    } else {
        reset_on_close(client);
        reset_on_close(server);
    }
}

/// The client's side has sent its FIN: TIME_WAIT is where the server's FIN finds it. The listener goes as
/// well.
void StateSockets::finish_connection(int server) {
    wait_for_state(HeldState::fin_wait, address_);
    ::shutdown(server, SHUT_WR);
    wait_for_state(HeldState::time_wait, address_);
    for (const int socket : sockets_) {
        ::close(socket);
    }
    sockets_.clear();
}

} // namespace portguard::tools
