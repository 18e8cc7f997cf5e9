#include "tools/supervise/unborrowed_socket.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <string_view>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "kernel/port_look.h"
#include "kernel/sock_diag.h"
#include "kernel/socket_option.h"
#include "preload/guard.h"

namespace portguard::tools {
namespace {

struct Kind {
    std::string_view name;
    int family;
    Protocol protocol;
    int number;
};

/// struct proto::name (net/core/sock.c), which each socket's inode has as an attribute.
constexpr std::array<Kind, 6> kinds{{{"TCP", AF_INET, Protocol::tcp, IPPROTO_TCP},
                                     {"TCPv6", AF_INET6, Protocol::tcp, IPPROTO_TCP},
                                     {"MPTCP", AF_INET, Protocol::mptcp, IPPROTO_MPTCP},
                                     {"MPTCPv6", AF_INET6, Protocol::mptcp, IPPROTO_MPTCP},
                                     {"UDP", AF_INET, Protocol::udp, IPPROTO_UDP},
                                     {"UDPv6", AF_INET6, Protocol::udp, IPPROTO_UDP}}};

const Kind* kind_of(const char* path) {
    char name[32] = {};
    const ssize_t length = ::getxattr(path, "system.sockprotoname", name, sizeof name);
    // With its NUL.
    const std::string_view text(name, length > 0 ? static_cast<std::size_t>(length) - 1 : 0);
    const auto* const found =
        std::find_if(kinds.begin(), kinds.end(), [&](const Kind& kind) { return kind.name == text; });
    return found == kinds.end() ? nullptr : found;
}

int open_socket(int family, Protocol protocol, int number) {
    return ::socket(family, (protocol == Protocol::udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, number);
}

/// A bind with every option that lets one share: where that fails, no other socket of the program's user has
/// it either.
int error_of_trial(int family, const sockaddr* address, socklen_t length) {
    const int fd = open_socket(family, Protocol::tcp, IPPROTO_TCP);
    if (fd < 0) {
        return 0;
    }
    for (const int option : {SO_REUSEADDR, SO_REUSEPORT}) {
        set_socket_option(fd, SOL_SOCKET, option, 1);
    }
    if (family == AF_INET6) {
        set_socket_option(fd, SOL_IPV6, IPV6_V6ONLY, 1);
    }
    const int error = ::bind(fd, address, length) == 0 ? 0 : errno;
    ::close(fd);
    return error == EADDRINUSE || error == EACCES ? error : 0;
}

} // namespace

UnborrowedSocket::UnborrowedSocket(const Caller& caller, int program_fd) {
    const ProcPath path = caller.path_of(program_fd);
    struct stat status {};
    const Kind* const kind = ::stat(path.c_str(), &status) == 0 ? kind_of(path.c_str()) : nullptr;
    if (kind == nullptr) {
        return;
    }
    stand_in_ = open_socket(kind->family, kind->protocol, kind->number);
    if (stand_in_ >= 0) {
        family_ = kind->family;
        protocol_ = kind->protocol;
        inode_ = status.st_ino;
    }
}

UnborrowedSocket::~UnborrowedSocket() {
    if (stand_in_ >= 0) {
        ::close(stand_in_);
    }
}

Endpoint UnborrowedSocket::local_address() const {
    std::vector<DiagSocket> sockets;
    dump_both_families(Protocol::tcp, PortRange{}, diag_bound | diag_listen,
                       Deadline(std::chrono::milliseconds(guard::config().limits.budget_ms)), Syscalls{},
                       sockets);
    const auto found = std::find_if(sockets.begin(), sockets.end(), [this](const DiagSocket& socket) {
        return socket.inode == inode_ && socket.state == SocketState::bound;
    });
    return found == sockets.end() ? Endpoint{} : found->local;
}

int UnborrowedSocket::certain_error(const sockaddr* address, socklen_t length, bool may_take) const {
    if (may_take) {
        return error_of_trial(family_, address, length);
    }
    AskedAddress asked;
    asked.endpoint = read_endpoint(address, length);
    asked.v6only = true;
    asked.device = scope_of(address, length);
    std::vector<std::byte> answers(dump_datagram_size);
    const PortLook seen = look_at_port(asked, inode_, answers, guard::config().limits.budget_ms);
    // Only over a holder, which keeps off by itself whoever the trial might keep off.
    return seen.listener || seen.bound_only || seen.yields ? error_of_trial(family_, address, length) : 0;
}

} // namespace portguard::tools
