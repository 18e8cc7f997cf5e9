#include "preload/unseen_socket.h"

#include <cerrno>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "kernel/judged_call.h"
#include "kernel/kernel_call.h"
#include "kernel/socket_address.h"
#include "kernel/socket_option.h"
#include "preload/taken_along.h"

namespace portguard {
namespace {

constexpr KernelVersion first_that_shows_bound = 0x060800;

/// Without the flag, since with it the bind would share the port. The port is taken for as long as that
/// lasts, which a server that starts within these microseconds would meet.
bool is_taken_everywhere(Family family, const AskedAddress& asked) {
    const SocketAddress address(address_of_nobody(family, asked.endpoint.port));
    const long fd = judged_call(SYS_socket, address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    const auto socket = static_cast<int>(fd);
    set_socket_option(socket, SOL_IP, IP_FREEBIND, 1);
    if (asked.device != 0) {
        set_socket_option(socket, SOL_SOCKET, SO_BINDTOIFINDEX, static_cast<int>(asked.device));
    }
    const long result = judged_call(SYS_bind, fd, as_argument(address.get()), address.length());
    kernel_call(SYS_close, fd);
    return result == -EADDRINUSE;
}

} // namespace

bool is_bound_unseen(const AskedAddress& asked) {
    if (kernel_version() >= first_that_shows_bound) {
        return false;
    }
    const bool is_ipv6 = asked.endpoint.family == Family::ipv6;
    // [::] is in the way of 0.0.0.0, and the other way about.
    const bool meets_ipv4 = !is_ipv6 || (!asked.v6only && asked.endpoint.is_wildcard());
    return (meets_ipv4 && is_taken_everywhere(Family::ipv4, asked)) ||
           (is_ipv6 && is_taken_everywhere(Family::ipv6, asked));
}

} // namespace portguard
