#include "tools/common/condition.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/holders.h"
#include "kernel/socket_address.h"
#include "kernel/socket_option.h"
#include "kernel/sysctls.h"
#include "tools/common/condition_states.h"
#include "tools/common/port_text.h"

namespace portguard::tools {
namespace {

std::string describe(const WantedSocket& wanted) {
    return text_of(wanted.local.endpoint) + " " + std::string(state_name(wanted.state));
}

/// Where the other end of a connection is.
AskedAddress peer_of(const WantedSocket& wanted) {
    AskedAddress peer = wanted.local;
    if (wanted.remote.family == Family::other) {
        peer.endpoint.port = 0;
    } else {
        peer.endpoint = wanted.remote;
    }
    return peer;
}

/// The kernel, not a bind, is to choose this port: as for a real outgoing connection, others may then have it
/// to other destinations. False: it cannot be told to (before Linux 6.3, or the port is outside its range).
bool confine_choice(int fd, std::uint16_t port) {
    if (port == 0) {
        return true;
    }
    const std::uint32_t range = port | (static_cast<std::uint32_t>(port) << 16U);
    return read_host_settings(Syscalls{}).ports.range.contains(port) &&
           set_socket_option(fd, SOL_IP, ip_local_port_range, range) == 0;
}

std::uint16_t local_port(int fd) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
    return read_endpoint(reinterpret_cast<const sockaddr*>(&address), length).port;
}

bool same_address(const Endpoint& one, const Endpoint& other) {
    return one.family == other.family && one.port == other.port && one.address == other.address;
}

/// The order in which sockets of one port get along: a listener keeps out who binds later, a connection that
/// the kernel gave its port to does not.
int rank(const WantedSocket& wanted) {
    if (wanted.is_connection()) {
        return wanted.accepted ? 2 : 0;
    }
    return wanted.state == SocketState::listen ? 1 : 0;
}

} // namespace

ConditionError::ConditionError(const WantedSocket& wanted, int error)
    : std::runtime_error(describe(wanted) + " could not be made (" + describe_errno(error) + ")"),
      error_(error) {}

Condition::~Condition() {
    for (const int socket : sockets_) {
        ::close(socket);
    }
}

void Condition::add(std::span<const WantedSocket> wanted) {
    std::vector<WantedSocket> ordered(wanted.begin(), wanted.end());
    std::stable_sort(ordered.begin(), ordered.end(),
                     [](const auto& one, const auto& other) { return rank(one) < rank(other); });
    for (const WantedSocket& next : ordered) {
        if (next.state == SocketState::syn_sent) {
            add_attempt(next);
        } else if (next.is_connection() && next.protocol != Protocol::udp) {
            add_connection(next);
        } else {
            add_unconnected(next);
        }
    }
    const auto temporary = std::partition(listeners_.begin(), listeners_.end(),
                                          [](const Listener& listener) { return listener.stays; });
    std::for_each(temporary, listeners_.end(),
                  [this](const Listener& listener) { close_socket(listener.fd); });
    listeners_.erase(temporary, listeners_.end());
}

void Condition::listen(int fd, const WantedSocket& wanted) {
    if (::listen(fd, SOMAXCONN) != 0) {
        throw ConditionError(wanted, errno);
    }
}

int Condition::open_socket(const WantedSocket& wanted, const AskedAddress& address) {
    const int type = wanted.protocol == Protocol::udp ? SOCK_DGRAM : SOCK_STREAM;
    const int family = socket_address(address).family();
    const int fd = ::socket(family, type | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        throw ConditionError(wanted, errno);
    }
    sockets_.push_back(fd);
    if (family == AF_INET6) {
        // The host's default may be otherwise (net.ipv6.bindv6only).
        set_socket_switch(fd, IPPROTO_IPV6, IPV6_V6ONLY, wanted.local.v6only);
    }
    set_socket_switch(fd, SOL_SOCKET, SO_REUSEPORT, wanted.reuseport);
    return fd;
}

int Condition::bound_socket(const WantedSocket& wanted, const AskedAddress& address, bool reuseaddr) {
    const int fd = open_socket(wanted, address);
    // Off is left as it is: a program that chooses it is not cured.
    if (reuseaddr) {
        set_socket_switch(fd, SOL_SOCKET, SO_REUSEADDR, true);
    }
    if (wanted.is_hold) {
        set_socket_option(fd, SOL_IP, IP_TOS, int{hold_tos});
    }
    const SocketAddress local = socket_address(address);
    if (::bind(fd, local.get(), local.length()) != 0) {
        throw ConditionError(wanted, errno);
    }
    return fd;
}

int Condition::listener_on(const WantedSocket& wanted, const AskedAddress& address, bool reuseaddr,
                           bool stays) {
    const auto accepts = [&address](const Listener& listener) {
        return same_address(listener.local, address.endpoint) ||
               (listener.local.is_wildcard() && listener.local.port == address.endpoint.port);
    };
    const auto found = std::find_if(listeners_.begin(), listeners_.end(), accepts);
    if (found != listeners_.end()) {
        found->stays |= stays;
        return found->fd;
    }
    const int fd = bound_socket(wanted, address, reuseaddr);
    listen(fd, wanted);
    Endpoint local = address.endpoint;
    local.port = local_port(fd);
    listeners_.push_back({local, fd, stays});
    return fd;
}

void Condition::add_unconnected(const WantedSocket& wanted) {
    const int fd = bound_socket(wanted, wanted.local, wanted.reuseaddr);
    if (wanted.state == SocketState::listen) {
        listen(fd, wanted);
        listeners_.push_back({wanted.local.endpoint, fd, true});
    } else if (wanted.protocol == Protocol::udp && wanted.remote.port != 0) {
        const SocketAddress remote = socket_address(peer_of(wanted));
        if (::connect(fd, remote.get(), remote.length()) != 0) {
            throw ConditionError(wanted, errno);
        }
    }
    // Kernels before 6.8 do not show what is only bound.
    if (wanted.state != SocketState::bound) {
        wait_for_state(wanted);
    }
}

/// A client's socket that is connected to `listener`.
int Condition::dial(const WantedSocket& wanted, const AskedAddress& from, bool chosen_by_kernel,
                    int listener) {
    const int fd = open_socket(wanted, from);
    AskedAddress source = from;
    if (chosen_by_kernel && confine_choice(fd, from.endpoint.port)) {
        set_socket_switch(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, true);
        source.endpoint.port = 0;
    }
    set_socket_switch(fd, SOL_SOCKET, SO_REUSEADDR, source.endpoint.port != 0 && wanted.reuseaddr);
    const SocketAddress local = socket_address(source);
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    if (::bind(fd, local.get(), local.length()) != 0 ||
        ::getsockname(listener, reinterpret_cast<sockaddr*>(&peer), &length) != 0) {
        throw ConditionError(wanted, errno);
    }
    // Who listens on a wildcard is reached by the address that the connection is to have.
    AskedAddress target = wanted.accepted ? wanted.local : peer_of(wanted);
    target.endpoint.port = read_endpoint(reinterpret_cast<const sockaddr*>(&peer), length).port;
    const SocketAddress remote = socket_address(target);
    if (::connect(fd, remote.get(), remote.length()) != 0) {
        throw ConditionError(wanted, errno);
    }
    set_socket_switch(fd, SOL_SOCKET, SO_REUSEADDR, wanted.reuseaddr);
    return fd;
}

void Condition::add_connection(const WantedSocket& wanted) {
    const AskedAddress peer_address = peer_of(wanted);
    const int listener = wanted.accepted ? listener_on(wanted, wanted.local, wanted.reuseaddr, false)
                                         : listener_on(wanted, peer_address, true, wanted.peer_listens);
    const int client =
        dial(wanted, wanted.accepted ? peer_address : wanted.local, !wanted.accepted, listener);
    const int server = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (server < 0) {
        throw ConditionError(wanted, errno);
    }
    sockets_.push_back(server);
    if (wanted.accepted) {
        set_socket_switch(server, SOL_SOCKET, SO_REUSEADDR, wanted.reuseaddr);
    }
    bring_into_state(wanted, wanted.accepted ? server : client, wanted.accepted ? client : server);
}

/// One that is not answered: the listener's queue is full, and it accepts nobody.
void Condition::add_attempt(const WantedSocket& wanted) {
    const AskedAddress peer_address = peer_of(wanted);
    const int listener = bound_socket(wanted, peer_address, true);
    if (::listen(listener, 0) != 0) {
        throw ConditionError(wanted, errno);
    }
    WantedSocket filler = wanted;
    filler.local.endpoint.port = 0;
    dial(filler, filler.local, true, listener);
    const int fd = bound_socket(wanted, wanted.local, wanted.reuseaddr);
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&peer), &length);
    make_nonblocking(fd);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&peer), length) == 0 || errno != EINPROGRESS) {
        throw ConditionError(wanted, errno);
    }
    WantedSocket shown = wanted;
    shown.local.endpoint.port = local_port(fd);
    wait_for_state(shown);
}

void Condition::bring_into_state(const WantedSocket& wanted, int holder, int peer) {
    WantedSocket shown = wanted;
    shown.local.endpoint.port = local_port(holder);
    shown.remote = peer_of(wanted).endpoint;
    shown.remote.port = local_port(peer);
    close_down(shown, holder, peer);
    if (wanted.state == SocketState::time_wait || wanted.is_orphan) {
        close_socket(holder);
    }
    if (wanted.state == SocketState::time_wait) {
        close_socket(peer);
    }
    wait_for_state(shown);
    if (wanted.state != SocketState::time_wait) {
        reset_on_close(peer);
    }
    if (wanted.state != SocketState::time_wait && !wanted.is_orphan) {
        reset_on_close(holder);
    }
}

void Condition::close_socket(int fd) {
    ::close(fd);
    std::erase(sockets_, fd);
}

DiagSocket find_socket(const WantedSocket& wanted) {
    HolderOptions options;
    options.owners = false;
    constexpr std::chrono::seconds patience{10};
    options.budget = patience;
    const HolderReport report = find_holders(wanted.local, wanted.protocol, options);
    for (const Holder& holder : report.holders) {
        const bool is_peer = wanted.remote.port == 0 || holder.socket.remote.port == wanted.remote.port;
        if (holder.socket.state == wanted.state && is_peer) {
            return holder.socket;
        }
    }
    return {};
}

} // namespace portguard::tools
