#include "preload/kernel_answer.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <unistd.h>

#include "kernel/judged_call.h"
#include "preload/socket_state.h"

namespace portguard {
namespace {

void copy_option(int from, int to, int level, int option) {
    const int value = socket_option_or(from, level, option, 0);
    if (value != 0) {
        set_socket_option(to, level, option, value);
    }
}

/// A socket of the same kind, with the options that decide which addresses it may have.
class Twin {
public:
    explicit Twin(int fd) {
        const int protocol = socket_option_or(fd, SOL_SOCKET, SO_PROTOCOL, 0);
        fd_ = static_cast<int>(judged_call(SYS_socket, socket_option_or(fd, SOL_SOCKET, SO_DOMAIN, 0),
                                           socket_option_or(fd, SOL_SOCKET, SO_TYPE, 0) | SOCK_CLOEXEC,
                                           protocol == IPPROTO_MPTCP ? IPPROTO_TCP : protocol));
        if (fd_ >= 0) {
            copy_option(fd, fd_, SOL_IP, IP_FREEBIND);
            copy_option(fd, fd_, SOL_IPV6, IPV6_V6ONLY);
        }
    }
    Twin(const Twin&) = delete;
    Twin& operator=(const Twin&) = delete;
    ~Twin() {
        if (fd_ >= 0) {
            kernel_call(SYS_close, fd_);
        }
    }

    [[nodiscard]] bool exists() const { return fd_ >= 0; }
    /// 0, or the errno.
    [[nodiscard]] int bind(const sockaddr_storage& address, socklen_t length) const {
        return static_cast<int>(-judged_call(SYS_bind, fd_, as_argument(&address), length));
    }

private:
    int fd_ = -1;
};

/// What does not depend on who holds which port, or on what else may befall our own socket.
bool is_about_the_call(int error) {
    return error == EINVAL || error == EADDRNOTAVAIL || error == EAFNOSUPPORT || error == EACCES;
}

/// bind(2) says EINVAL to a socket that has a port, or a connection. The number that getsockname tells may be
/// stale (a connect that failed); it is held, and then most likely by this socket, where another cannot have
/// it.
bool has_port(int fd) {
    const socket_state::LocalAddress own = socket_state::local_address(fd);
    if (own.port() == 0) {
        return false;
    }
    const int state = socket_state::tcp_state(fd);
    if (state != TCP_CLOSE) {
        return true;
    }
    const Twin twin(fd);
    return twin.exists() && twin.bind(own.storage, own.length) == EADDRINUSE;
}

} // namespace

int kernel_answer_to_bind(int fd, const sockaddr* address, socklen_t length) {
    const Twin twin(fd);
    if (!twin.exists()) {
        return 0;
    }
    sockaddr_storage asked{};
    std::memcpy(&asked, address, std::min<std::size_t>(length, sizeof asked));
    sockaddr_storage portless = asked;
    // sin_port and sin6_port stand at the same offset (core/policy.h asserts it).
    reinterpret_cast<sockaddr_in*>(&portless)->sin_port = 0;
    const int unheld = twin.bind(portless, length);
    // The order is the kernel's: IPv4 looks at the address first, IPv6 at the socket (inet6_bind,
    // net/ipv6/af_inet6.c).
    if (unheld != 0 && (unheld != EADDRNOTAVAIL || asked.ss_family != AF_INET6)) {
        return is_about_the_call(unheld) ? unheld : 0;
    }
    // Bound by now, the twin cannot be given the port: EACCES is for a privileged one, EINVAL for being
    // bound.
    if (unheld == 0 && twin.bind(asked, length) == EACCES) {
        return EACCES;
    }
    return has_port(fd) ? EINVAL : unheld;
}

} // namespace portguard
