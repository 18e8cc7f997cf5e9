#include "tools/hold/hold_sockets.h"

#include <cerrno>
#include <string>

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/sock_diag.h"
#include "kernel/socket_address.h"
#include "kernel/socket_option.h"
#include "tools/common/asked_port.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

/// 0, or -errno.
long bind_as_hold(int fd, const SocketAddress& address) {
    // The host may have net.ipv6.bindv6only=1, and then a hold would leave IPv4 out.
    long result = address.family() == AF_INET6 ? set_socket_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0) : 0;
    result = result != 0 ? result : set_socket_option(fd, IPPROTO_IP, IP_TOS, int{hold_tos});
    result = result != 0 ? result : set_socket_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (result != 0) {
        return result;
    }
    return ::bind(fd, address.get(), address.length()) == 0 ? 0 : -errno;
}

/// 0, or an errno. The socket stays open.
int hold_port(std::uint16_t port) {
    const SocketAddress address = socket_address(every_address(port));
    const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return errno;
    }
    const int error = static_cast<int>(-bind_as_hold(fd, address));
    if (error != 0) {
        ::close(fd);
    }
    return error;
}

} // namespace

void HoldSockets::hold(const PortSet& ports) {
    unheld_.clear();
    for (PortRange run = ports.next_run(0); !run.empty(); run = ports.next_run(run.high + 1U)) {
        for (std::uint32_t number = run.low; number <= run.high; ++number) {
            const auto port = static_cast<std::uint16_t>(number);
            if (held_.contains(port)) {
                continue;
            }
            if (const int error = hold_port(port); error != 0) {
                unheld_.push_back({port, error});
            } else {
                held_.insert({port, port});
            }
        }
    }
}

rlimit make_room_for(std::uint32_t count) {
    // For what else the process opens: netlink, /proc.
    constexpr rlim_t others = 64;
    rlimit limit{};
    const rlim_t wanted = count + others;
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) {
        return limit;
    }
    if (limit.rlim_max < wanted) {
        throw Refusal(ExitCode::usage, "holding " + std::to_string(count) + " ports takes " +
                                           std::to_string(wanted) + " descriptors, and the limit is " +
                                           std::to_string(limit.rlim_max) +
                                           "; use fewer ports, or raise it with `ulimit -Hn`");
    }
    const rlimit raised{wanted, limit.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &raised);
    return limit;
}

} // namespace portguard::tools
