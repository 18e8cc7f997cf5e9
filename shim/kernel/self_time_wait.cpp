#include "kernel/self_time_wait.h"

#include <cerrno>

#include <netinet/in.h>
#include <sys/syscall.h>

#include "kernel/diag_socket.h"
#include "kernel/judged_call.h"
#include "kernel/kernel_call.h"
#include "kernel/socket_address.h"
#include "kernel/socket_option.h"

namespace portguard::self_time_wait {
namespace {

Endpoint loopback(Family family, std::uint16_t port) {
    Endpoint endpoint;
    endpoint.family = family;
    endpoint.port = port;
    if (family == Family::ipv4) {
        endpoint.address = {127, 0, 0, 1};
    } else {
        endpoint.address[15] = 1;
    }
    return endpoint;
}

/// Connected to itself, so that no listener is needed and no other socket is asked; then both ends close at
/// once, and the one TIME_WAIT keeps the flag (K3).
void leave_at(const SocketAddress& place, bool is_shared) {
    const int fd = open_socket(place.family(), true);
    if (fd < 0) {
        return;
    }
    if (bind_beside(fd, place.get(), place.length())) {
        if (is_shared) {
            // After the bind, or the kernel would compare later binders with this socket alone
            // (inet_csk_update_fastreuse).
            set_socket_switch(fd, SOL_SOCKET, SO_REUSEPORT, true);
        }
        kernel_call(SYS_connect, fd, as_argument(place.get()), static_cast<long>(place.length()));
        // Not by close, which does nothing while a child has a copy.
        kernel_call(SYS_shutdown, fd, SHUT_RDWR);
    }
    kernel_call(SYS_close, fd);
}

} // namespace

int open_socket(int family, bool v6_only) {
    const auto fd =
        static_cast<int>(judged_call(SYS_socket, family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (fd >= 0) {
        set_socket_option(fd, SOL_IP, IP_TOS, int{hold_tos});
    }
    if (fd >= 0 && family == AF_INET6) {
        set_socket_switch(fd, SOL_IPV6, IPV6_V6ONLY, v6_only);
    }
    return fd;
}

bool bind_beside(int fd, const sockaddr* address, socklen_t length) {
    const auto bind = [&] {
        return judged_call(SYS_bind, fd, as_argument(address), static_cast<long>(length));
    };
    return bind() == -EADDRINUSE && set_socket_switch(fd, SOL_SOCKET, SO_REUSEADDR, true) == 0 && bind() == 0;
}

Places::Places(const Endpoint& own, bool v6_only, std::uint32_t device) : device_(device) {
    places_[0] = own;
    if (own.is_wildcard()) {
        places_[0] = loopback(own.family, own.port);
        if (own.family == Family::ipv6 && !v6_only) {
            places_[count_++] = loopback(Family::ipv4, own.port);
        }
    }
}

void Places::leave_time_wait(bool is_shared) const {
    for (std::size_t index = 0; index < count_; ++index) {
        leave_at(SocketAddress(places_[index], device_), is_shared);
    }
}

} // namespace portguard::self_time_wait
