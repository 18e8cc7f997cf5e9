#include "explain/probe.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "kernel/judged_call.h"
#include "kernel/kernel_release.h"
#include "kernel/socket_address.h"
#include "kernel/socket_option.h"
#include "kernel/syscalls.h"

namespace portguard {

bool are_bound_sockets_shown() {
    return kernel_is_at_least(6, 8);
}

int probe_bind(AskedAddress asked, Protocol protocol, Probe probe, std::uint32_t device) {
    if (probe == Probe::address) {
        asked.endpoint.port = 0;
    }
    if (probe == Probe::elsewhere) {
        asked.endpoint = address_of_nobody(asked.endpoint.family, asked.endpoint.port);
    }
    const SocketAddress address = socket_address(asked);
    const Syscalls syscalls;
    const int type = protocol == Protocol::udp ? SOCK_DGRAM : SOCK_STREAM;
    // Past a supervisor, which would judge the question by the plan.
    const long fd = judged_call(SYS_socket, address.family(), type | SOCK_CLOEXEC);
    const ScopedFd socket(static_cast<int>(fd), syscalls);
    if (!socket.valid()) {
        return static_cast<int>(-fd);
    }
    if (address.family() == AF_INET6) {
        // The host's default may be otherwise (net.ipv6.bindv6only).
        set_socket_switch(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, asked.v6only);
    }
    if (device != 0) {
        set_socket_option(socket.get(), SOL_SOCKET, SO_BINDTOIFINDEX, static_cast<int>(device));
    }
    if (probe == Probe::elsewhere) {
        set_socket_option(socket.get(), IPPROTO_IP, IP_FREEBIND, 1);
    }
    if (probe == Probe::address) {
        set_socket_option(socket.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    }
    if (probe == Probe::as_hold) {
        set_socket_option(socket.get(), IPPROTO_IP, IP_TOS, int{hold_tos});
        if (const long result = set_socket_option(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1); result != 0) {
            return static_cast<int>(-result);
        }
    }
    return static_cast<int>(
        -judged_call(SYS_bind, socket.get(), as_argument(address.get()), address.length()));
}

bool may_be_bound_unseen(std::uint16_t port) {
    if (are_bound_sockets_shown()) {
        return false;
    }
    AskedAddress everywhere;
    everywhere.endpoint.family = Family::ipv6;
    everywhere.endpoint.port = port;
    return probe_bind(everywhere, Protocol::tcp, Probe::plain) != 0;
}

std::optional<int> probe_unheld(const AskedSocket& asked, bool sees_all) {
    const Endpoint& endpoint = asked.address.endpoint;
    if (endpoint.family == Family::other || endpoint.port == 0) {
        return std::nullopt;
    }
    const bool keeps_nobody_off = asked.protocol != Protocol::udp && sees_all && are_bound_sockets_shown();
    return probe_bind(asked.address, asked.protocol, keeps_nobody_off ? Probe::as_hold : Probe::plain,
                      asked.device);
}

} // namespace portguard
