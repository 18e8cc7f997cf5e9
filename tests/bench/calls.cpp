#include "calls.h"

#include <array>
#include <cstdlib>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

namespace portguard::bench {
namespace {

constexpr int descriptor = 100; // what the stub's socket() returns
constexpr in_port_t planned_port = 8080;
constexpr in_port_t unplanned_port = 4000;

sockaddr_in ipv4(in_port_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

const sockaddr_in planned = ipv4(planned_port);
const sockaddr_in unplanned = ipv4(unplanned_port);

const sockaddr* generic(const sockaddr_in& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

void make_tcp() {
    (void)socket(AF_INET, SOCK_STREAM, 0);
}
void make_udp() {
    (void)socket(AF_INET, SOCK_DGRAM, 0);
}
void make_unix() {
    (void)socket(AF_UNIX, SOCK_STREAM, 0);
}
void bind_planned() {
    (void)bind(descriptor, generic(planned), sizeof planned);
}
void bind_unplanned() {
    (void)bind(descriptor, generic(unplanned), sizeof unplanned);
}
void connect_planned() {
    (void)connect(descriptor, generic(planned), sizeof planned);
}
void listen_once() {
    (void)listen(descriptor, 1);
}
void close_once() {
    (void)close(descriptor);
}

void make_and_bind() {
    make_tcp();
    bind_planned();
}

/// The shim's own calls go past the stub: they find a real socket under the stub's number.
void make_real_and_connect() {
    const long fresh = syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
    syscall(SYS_dup3, fresh, descriptor, 0);
    syscall(SYS_close, fresh);
    make_tcp();
    connect_planned();
}

void set_option(int level, int option) {
    constexpr int on = 1;
    (void)setsockopt(descriptor, level, option, &on, sizeof on);
}

void bind_unix() {
    const sockaddr_un address{AF_UNIX, "/nowhere"};
    (void)bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

/// Without the stub: a bind that libc itself would make as a system call is made as one by the shim.
void bind_fresh(int type) {
    const int fresh = socket(AF_INET, type, 0);
    if (bind(fresh, generic(planned), sizeof planned) != 0) {
        std::abort();
    }
    close(fresh);
}

constexpr std::array calls{
    NamedCall{"bind_fresh_tcp", nullptr, [] { bind_fresh(SOCK_STREAM); }},
    NamedCall{"bind_fresh_udp", nullptr, [] { bind_fresh(SOCK_DGRAM); }},
    NamedCall{"socket", nullptr, make_tcp},
    NamedCall{"bind_tcp_in_plan", make_tcp, bind_planned},
    NamedCall{"bind_udp_in_plan", make_udp, bind_planned},
    NamedCall{"bind_unix", make_unix, bind_unix},
    NamedCall{"bind_refused", make_tcp, bind_unplanned},
    NamedCall{"listen", make_and_bind, listen_once},
    NamedCall{"connect", make_tcp, connect_planned},
    NamedCall{"setsockopt_watched", make_tcp, [] { set_option(SOL_SOCKET, SO_REUSEADDR); }},
    NamedCall{"setsockopt_unwatched", make_tcp, [] { set_option(SOL_SOCKET, SO_KEEPALIVE); }},
    NamedCall{"close", nullptr, close_once},
    NamedCall{"dup2", nullptr, [] { (void)dup2(0, descriptor); }},
    NamedCall{"socket_and_close", nullptr,
              [] {
                  make_tcp();
                  close_once();
              }},
    NamedCall{"connect_fresh", nullptr, make_real_and_connect},
};

} // namespace

std::span<const NamedCall> all_calls() {
    return calls;
}

const NamedCall* find_call(std::string_view name) {
    for (const NamedCall& call : calls) {
        if (call.name == name) {
            return &call;
        }
    }
    return nullptr;
}

} // namespace portguard::bench
