// What the kernel says of a descriptor, by raw calls: errno stays as it is. For where the memory of
// descriptors is not enough: they come and go unseen (K20).
#pragma once

#include <cstdint>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "core/socket_facts.h"
#include "kernel/kernel_call.h"
#include "kernel/socket_option.h"

namespace portguard::socket_state {

/// Of a descriptor that we never saw. The protocol is never Protocol::unknown: what is not a TCP, MPTCP or
/// UDP socket, or no socket at all, is Protocol::other.
SocketFacts facts_of(int fd);

/// TCP_LISTEN and its like; 0: not a socket of TCP or MPTCP. The one question that no other protocol answers,
/// and its first byte is the state (struct tcp_info, linux/tcp.h).
inline int tcp_state(int fd) {
    std::uint8_t state = 0;
    read_socket_option(fd, IPPROTO_TCP, TCP_INFO, state);
    return state;
}

/// Which socket it is, as long as the machine runs (SO_COOKIE, socket(7)); 0: it cannot be told.
inline std::uint64_t cookie(int fd) {
    std::uint64_t value = 0;
    read_socket_option(fd, SOL_SOCKET, SO_COOKIE, value);
    return value;
}

struct LocalAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;

    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
    /// 0: none, or not an internet socket. After a connect that failed it may name a port that is long given
    /// up (m).
    [[nodiscard]] std::uint16_t port() const {
        const bool internet = storage.ss_family == AF_INET || storage.ss_family == AF_INET6;
        return internet ? ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port) : std::uint16_t{0};
    }
};

inline LocalAddress local_address(int fd) {
    LocalAddress local;
    local.length = sizeof local.storage;
    if (kernel_call(SYS_getsockname, fd, as_argument(&local.storage), as_argument(&local.length)) != 0) {
        return {};
    }
    return local;
}

inline bool set_reuseaddr(int fd, int value) {
    return set_socket_option(fd, SOL_SOCKET, SO_REUSEADDR, value) == 0;
}

} // namespace portguard::socket_state
