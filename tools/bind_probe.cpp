#include "tools/bind_probe.h"

#include <cerrno>
#include <cstring>

#include <sys/socket.h>

#include "kernel/holders.h"
#include "kernel/syscalls.h"
#include "tools/socket_address.h"

namespace portguard::tools {
namespace {

int set_switch(int fd, int level, int option, bool on) {
    const int value = on ? 1 : 0;
    return ::setsockopt(fd, level, option, &value, sizeof value) == 0 ? 0 : errno;
}

} // namespace

int probe_bind(const AskedAddress& asked, Protocol protocol, bool reuseaddr) {
    const SocketAddress address(asked);
    const Syscalls syscalls;
    const int type = protocol == Protocol::udp ? SOCK_DGRAM : SOCK_STREAM;
    const ScopedFd socket(::socket(address.family(), type | SOCK_CLOEXEC, 0), syscalls);
    if (!socket.valid()) {
        return errno;
    }
    if (address.family() == AF_INET6) {
        // The host's default may be otherwise (net.ipv6.bindv6only).
        set_switch(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, asked.v6only);
    }
    if (reuseaddr && set_switch(socket.get(), SOL_SOCKET, SO_REUSEADDR, true) != 0) {
        return errno;
    }
    return ::bind(socket.get(), address.get(), address.length()) == 0 ? 0 : errno;
}

std::string probe_words(int error) {
    return error == 0 ? "would succeed" : describe_errno(error);
}

} // namespace portguard::tools
