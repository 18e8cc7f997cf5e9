#include "preload/lease.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>

#include <fcntl.h>
#include <sys/syscall.h>

#include "core/endpoint.h"
#include "kernel/judged_call.h"
#include "kernel/kernel_call.h"
#include "kernel/self_time_wait.h"
#include "kernel/socket_option.h"
#include "preload/fd_memory.h"
#include "preload/host_plan.h"
#include "preload/real.h"
#include "preload/signals.h"
#include "preload/socket_state.h"

namespace portguard::lease {
namespace {

/// By descriptor, the socket that bind to port 0 gave a port: the low half of its cookie, since another
/// socket may come under the number unseen (K20). All zero, and so without a page where nothing is leased.
constinit std::array<std::atomic<std::uint32_t>, fd_memory::capacity> picked{};
/// A child made by vfork(2) closes its copies in our memory (H05): only whose pid this is acts on a hint.
constinit std::atomic<int> picker{0};

/// What close, dup2 and dup3 led to before start().
constinit struct {
    int (*close)(int);
    int (*dup2)(int, int);
    int (*dup3)(int, int, int);
} behind{};

int own_pid() {
    return static_cast<int>(kernel_call(SYS_getpid));
}

/// For as long as it lives no handler sees a descriptor of ours, or a flag on the program's socket, nor
/// leaves them behind with a longjmp.
class WithoutSignals {
public:
    WithoutSignals() {
        constexpr SignalSet all = asynchronous_signals();
        changed_ = change_signal_mask(SIG_BLOCK, &all, &before_);
    }
    ~WithoutSignals() {
        if (changed_) {
            change_signal_mask(SIG_SETMASK, &before_, nullptr);
        }
    }
    WithoutSignals(const WithoutSignals&) = delete;
    WithoutSignals& operator=(const WithoutSignals&) = delete;

private:
    SignalSet before_ = 0;
    bool changed_ = false;
};

/// At most half of the ports that are given for port 0 is ever leased: those that are given first. The kernel
/// takes the ports of the other parity than its range's lowest first, and leaves the rest to connect
/// (inet_csk_find_open_port); our own search takes the odd ones first. So leases never use a range up,
/// without a count that processes would have to share.
bool is_in_leased_half(int fd, std::uint16_t port) {
    const Config& config = guard::config();
    if (config.lease == Lease::all) {
        return true;
    }
    if (config.port_zero == PortZero::listen || host_plan::plan().binds) {
        return port % 2 != 0;
    }
    const PortRange host = host_plan::host_range();
    const auto own = static_cast<std::uint16_t>(socket_option_or(fd, SOL_IP, ip_local_port_range, 0));
    const std::uint16_t low = host.contains(own) ? own : host.low;
    return (port - low) % 2 != 0;
}

bool is_v6_only(int fd, const socket_state::LocalAddress& local) {
    return local.storage.ss_family == AF_INET6 && socket_option_or(fd, SOL_IPV6, IPV6_V6ONLY, 1) != 0;
}

self_time_wait::Places places_of(int fd, const socket_state::LocalAddress& local) {
    return {read_endpoint(local.get(), local.length), is_v6_only(fd, local),
            scope_of(local.get(), local.length)};
}

/// Puts a socket of ours, which has the flag, in the place of the program's under `fd`, without a moment in
/// which the port is free. False: the port is not that of the program's socket, or another descriptor of that
/// socket is open (dup, fork): nothing is left that the close of `fd` does not undo.
bool take_over(int fd, const socket_state::LocalAddress& local) {
    const int own = self_time_wait::open_socket(local.storage.ss_family, is_v6_only(fd, local));
    if (own < 0) {
        return false;
    }
    const bool had_flag = socket_option_or(fd, SOL_SOCKET, SO_REUSEADDR, 0) != 0;
    const bool is_bound = (had_flag || socket_state::set_reuseaddr(fd, 1)) &&
                          self_time_wait::bind_beside(own, local.get(), local.length);
    if (!had_flag) {
        socket_state::set_reuseaddr(fd, 0);
    }
    socket_state::set_reuseaddr(own, 0);
    const bool is_ours = is_bound && kernel_call(SYS_dup3, own, fd, O_CLOEXEC) == fd;
    kernel_call(SYS_close, own);
    // listen checks the port once more (K7): without the flag it is refused while any other socket has the
    // port, and that is the program's, where a descriptor of it is open elsewhere.
    if (!is_ours || judged_call(SYS_listen, fd, 0) != 0) {
        return false;
    }
    socket_state::set_reuseaddr(fd, 1);
    // Bound on, and no longer listening.
    return kernel_call(SYS_shutdown, fd, SHUT_RDWR) == 0;
}

std::uint32_t short_cookie(int fd) {
    return static_cast<std::uint32_t>(socket_state::cookie(fd));
}

/// The descriptor is about to be closed.
[[gnu::noinline]] void leave(int fd, std::uint32_t cookie) {
    if (own_pid() != picker.load(std::memory_order_relaxed)) {
        return;
    }
    picked[static_cast<unsigned>(fd)].store(0, std::memory_order_relaxed);
    // One that has connected, or listens, is in another state.
    if (socket_state::tcp_state(fd) != TCP_CLOSE || short_cookie(fd) != cookie) {
        return;
    }
    const socket_state::LocalAddress local = socket_state::local_address(fd);
    if (local.port() == 0 || !is_in_leased_half(fd, local.port())) {
        return;
    }
    const WithoutSignals quiet;
    const self_time_wait::Places places = places_of(fd, local);
    if (take_over(fd, local)) {
        places.leave_time_wait(false);
    }
}

void leave_if_picked(int fd) {
    if (fd_memory::is_covered(fd)) {
        const std::uint32_t cookie = picked[static_cast<unsigned>(fd)].load(std::memory_order_relaxed);
        if (cookie != 0) {
            leave(fd, cookie);
        }
    }
}

bool is_open(int fd) {
    return kernel_call(SYS_fcntl, fd, F_GETFD) >= 0;
}

int close(int fd) {
    leave_if_picked(fd);
    return behind.close(fd);
}

// Where they fail, what stands at new_fd stays open, and is not to be touched.
int dup2(int old_fd, int new_fd) {
    if (old_fd != new_fd && is_open(old_fd)) {
        leave_if_picked(new_fd);
    }
    return behind.dup2(old_fd, new_fd);
}

int dup3(int old_fd, int new_fd, int flags) {
    if (old_fd != new_fd && (flags & ~O_CLOEXEC) == 0 && is_open(old_fd)) {
        leave_if_picked(new_fd);
    }
    return behind.dup3(old_fd, new_fd, flags);
}

template <typename Function>
void put_before(std::atomic<Function>& pointer, Function& next, Function ours) {
    next = pointer.load(std::memory_order_relaxed);
    pointer.store(ours, std::memory_order_release);
}

/// The port of a socket that is bound by the kernel's choice, or is to be.
bool choose_port(int fd, socket_state::LocalAddress& local) {
    local = socket_state::local_address(fd);
    if (local.port() == 0 && local.length != 0) {
        // As listen itself would, with the address that the socket has.
        judged_call(SYS_bind, fd, as_argument(&local.storage), static_cast<long>(local.length));
        local = socket_state::local_address(fd);
    }
    return local.port() != 0;
}

/// True: the flag was set on the program's socket, and is to be cleared once it listens: over a TIME_WAIT
/// without it the kernel refuses.
bool lease_beside(int fd) {
    socket_state::LocalAddress local;
    if (socket_state::tcp_state(fd) != TCP_CLOSE || !choose_port(fd, local) ||
        !is_in_leased_half(fd, local.port())) {
        return false;
    }
    const bool is_shared = socket_option_or(fd, SOL_SOCKET, SO_REUSEPORT, 0) != 0;
    const bool has_flag = socket_option_or(fd, SOL_SOCKET, SO_REUSEADDR, 1) != 0;
    const bool sets_flag = !has_flag && socket_state::set_reuseaddr(fd, 1);
    if (has_flag || sets_flag) {
        places_of(fd, local).leave_time_wait(is_shared);
    }
    return sets_flag;
}

} // namespace

void start() {
    put_before(real::pointers.close, behind.close, close);
    put_before(real::pointers.dup2, behind.dup2, dup2);
    put_before(real::pointers.dup3, behind.dup3, dup3);
}

void note(int fd, SocketFacts facts) {
    if (facts.is_tcp_like() && fd_memory::is_covered(fd)) {
        picker.store(own_pid(), std::memory_order_relaxed);
        picked[static_cast<unsigned>(fd)].store(short_cookie(fd), std::memory_order_relaxed);
    }
}

long listen(int fd, int backlog, SocketFacts facts) {
    const WithoutSignals quiet;
    const bool sets_flag = facts.is_tcp_like() && lease_beside(fd);
    long result = real::listen_leaving_errno(fd, backlog);
    // Another process that closes its copy of this socket finds out about ours by a socket of its own on the
    // port, for some microseconds (take_over): no other refuses a port that the kernel has given.
    constexpr timespec a_moment{.tv_sec = 0, .tv_nsec = 100'000};
    for (int attempt = 0; result == -EADDRINUSE && attempt < 10; ++attempt) {
        kernel_call(SYS_nanosleep, as_argument(&a_moment), 0);
        result = real::listen_leaving_errno(fd, backlog);
    }
    if (sets_flag) {
        socket_state::set_reuseaddr(fd, 0);
    }
    return result;
}

} // namespace portguard::lease
