#include "tools/metrics/listening.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/number.h"
#include "explain/holder_summary.h"
#include "kernel/holders.h"
#include "kernel/socket_address.h"
#include "kernel/socket_option.h"
#include "tools/common/asked_port.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

constexpr int first_passed_fd = 3;

[[noreturn]] void refuse(ExitCode code, const std::string& where, const std::string& why) {
    throw Refusal(code, "--listen=" + shown(where) + ": " + why);
}

/// What any program should say.
std::string reason_of(int error, const AskedPort& asked) {
    const std::string port = std::to_string(asked.address.endpoint.port);
    switch (error) {
    case EADDRINUSE: {
        HolderOptions options;
        options.flags = false;
        const std::string holders = summarize_holders(find_holders(asked.address, Protocol::tcp, options));
        return "EADDRINUSE: " + (holders.empty() ? "another socket" : holders) +
               " has the port; `portguard who " + port + "` shows why, or use another port";
    }
    case EADDRNOTAVAIL:
        return "EADDRNOTAVAIL: no interface here has this address; `ip address` lists those that there are";
    case EACCES:
        return "EACCES: a port below net.ipv4.ip_unprivileged_port_start needs CAP_NET_BIND_SERVICE; use a "
               "higher "
               "one, or --listen=systemd with a .socket unit";
    default: return std::string(std::strerror(error)) + "; use another address or port";
    }
}

int open_listener(const std::string& where) {
    const AskedPort asked = parse_asked_port(where);
    const SocketAddress address = socket_address(asked.address);
    const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    // A restart would else meet its own TIME_WAIT.
    if (fd < 0 || set_socket_switch(fd, SOL_SOCKET, SO_REUSEADDR, true) != 0 ||
        ::bind(fd, address.get(), address.length()) != 0 || ::listen(fd, SOMAXCONN) != 0) {
        refuse(ExitCode::failure, where, reason_of(errno, asked));
    }
    return fd;
}

template <typename Number>
std::optional<Number> variable(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? std::nullopt : parse_number<Number>(value);
}

bool listens(int fd) {
    int value = 0;
    socklen_t length = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &length) == 0 && value != 0;
}

std::vector<int> passed_sockets() {
    const std::string where(systemd_word);
    const auto count = variable<int>("LISTEN_FDS");
    if (variable<pid_t>("LISTEN_PID") != ::getpid() || !count.has_value() || *count < 1) {
        refuse(ExitCode::usage, where,
               "no socket was passed (LISTEN_FDS, LISTEN_PID); start it by a .socket unit, or use "
               "--listen=127.0.0.1:PORT");
    }
    std::vector<int> sockets;
    for (int fd = first_passed_fd; fd < first_passed_fd + *count; ++fd) {
        if (!listens(fd)) {
            refuse(
                ExitCode::usage, where,
                "descriptor " + std::to_string(fd) +
                    " is not a listening stream socket; use ListenStream= and Accept=no in the .socket unit");
        }
        ::fcntl(fd, F_SETFD, FD_CLOEXEC);
        ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
        sockets.push_back(fd);
    }
    // Nobody below this process is meant.
    ::unsetenv("LISTEN_FDS");
    ::unsetenv("LISTEN_PID");
    ::unsetenv("LISTEN_FDNAMES");
    return sockets;
}

} // namespace

std::vector<int> listening_sockets(const std::string& where) {
    return where == systemd_word ? passed_sockets() : std::vector<int>{open_listener(where)};
}

} // namespace portguard::tools
