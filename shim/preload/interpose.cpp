// When: the hooks, and below them what they share. What is to happen is decided in core/policy.h, and done in
// guarded_bind.cpp, guarded_listen.cpp and guarded_connect.cpp; what follows a failure is in aftermath.cpp.
// Nothing here may throw, allocate or touch TLS while calls succeed, and no object with a destructor may live
// across real::connect or real::close, which are cancellation points (H10).
#include <sys/socket.h>
#include <unistd.h>

#include "core/policy.h"
#include "preload/aftermath.h"
#include "preload/deferred_port.h"
#include "preload/fd_memory.h"
#include "preload/guard.h"
#include "preload/guarded.h"
#include "preload/host_plan.h"
#include "preload/real.h"

using namespace portguard;

namespace {

int watched_setsockopt(int fd, int level, int option, const void* value, socklen_t length);
int joining_setsockopt(int fd, int level, int option, const void* value, socklen_t length);
void after_udp_socket(int fd, SocketFacts facts);
int bind_at_length(int fd, const sockaddr* address, socklen_t length, SocketFacts facts);

} // namespace

extern "C" {

#pragma GCC visibility push(default)

int socket(int domain, int type, int protocol) noexcept {
    const int fd = real::socket(domain, type, protocol);
    if (fd >= 0) {
        const SocketFacts facts = facts_of_socket(domain, type, protocol);
        // A TCP socket may come under the number unseen (dup2): only the address tells the two apart.
        fd_memory::remember(fd, facts.protocol() == Protocol::other ? SocketFacts{} : facts);
        if (facts.protocol() == Protocol::udp) {
            after_udp_socket(fd, facts);
        }
    }
    return fd;
}

int bind(int fd, const sockaddr* address, socklen_t length) noexcept {
    const SocketFacts facts = fd_memory::recall(fd);
    if (!host_plan::enforces_listen() || !is_bind_in_plan(guard::config(), facts, address, length) ||
        !real::are_bare.load(std::memory_order_relaxed)) {
        return bind_at_length(fd, address, length, facts);
    }
    const long result = real::bind_bare(fd, address, length);
    // Recalled anew, which spares a register to save: with the mark of the call none is left.
    const SocketFacts still = fd_memory::recall(fd);
    if (result != 0) {
        return after_failed_bind(fd, address, length, still, static_cast<int>(-result));
    }
    fd_memory::remember(fd, still.with_port(PortChoice::program));
    return 0;
}

int listen(int fd, int backlog) noexcept {
    const SocketFacts facts = fd_memory::recall(fd);
    return facts.protocol() == Protocol::other || !guard::is_awake() ? real::listen(fd, backlog)
                                                                     : guarded_listen(fd, backlog, facts);
}

int connect(int fd, const sockaddr* address, socklen_t length) {
    const SocketFacts facts = fd_memory::recall(fd);
    // In observe the kernel reads the address first: it may stand on a page that is gone.
    if (facts.is_tcp_like() && facts.port() != PortChoice::courteous &&
        guard::config().mode == Mode::enforce && host_plan::leaves_connect_alone(address, length)) {
        const int result = real::connect(fd, address, length);
        return result == 0 ? 0 : after_failed_connect(fd, address, length, facts);
    }
    return facts.protocol() == Protocol::other || !guard::is_awake()
               ? real::connect(fd, address, length)
               : guarded_connect(fd, address, length, facts);
}

int setsockopt(int fd, int level, int option, const void* value, socklen_t length) noexcept {
    // The frequent level first: its options are looked at by three instructions.
    if (level == SOL_SOCKET) {
        return is_watched_option(level, option) ? watched_setsockopt(fd, level, option, value, length)
                                                : real::setsockopt(fd, level, option, value, length);
    }
    if (joins_group(level, option)) {
        return joining_setsockopt(fd, level, option, value, length);
    }
    return is_watched_option(level, option) ? watched_setsockopt(fd, level, option, value, length)
                                            : real::setsockopt(fd, level, option, value, length);
}

int getsockname(int fd, sockaddr* address, socklen_t* length) noexcept {
    deferred_port::settle_if_any(fd);
    return real::getsockname(fd, address, length);
}

int close(int fd) {
    // Before the real close: after it the number may be another thread's.
    fd_memory::forget(fd);
    return real::close(fd);
}

// The number of the socket that is put there is the new one's; forgotten without need (it fails, or both
// numbers are one), a hint does no harm.
int dup2(int old_fd, int new_fd) noexcept {
    fd_memory::forget(new_fd);
    return real::dup2(old_fd, new_fd);
}

int dup3(int old_fd, int new_fd, int flags) noexcept {
    fd_memory::forget(new_fd);
    return real::dup3(old_fd, new_fd, flags);
}

// GCC wants an alias to have its target's attributes; Clang does not know how to say so.
#if __has_attribute(copy)
#define LIKE(of) , copy(of)
#else
#define LIKE(of)
#endif
#define INTERPOSED(name)
#define ALIAS(name, of) __typeof__(of) name __attribute__((alias(#of) LIKE(of)));
#include "preload/interposed.def"
#undef LIKE
#undef INTERPOSED
#undef ALIAS

#pragma GCC visibility pop

} // extern "C"

namespace {

[[gnu::constructor]] void on_load() {
    guard::start();
}

[[gnu::noinline]] int watched_setsockopt(int fd, int level, int option, const void* value, socklen_t length) {
    const int result = real::setsockopt(fd, level, option, value, length);
    if (result == 0) {
        fd_memory::remember(fd, facts_after_setsockopt(fd_memory::recall(fd), level, option));
    }
    return result;
}

[[gnu::noinline]] int joining_setsockopt(int fd, int level, int option, const void* value, socklen_t length) {
    const int result = real::setsockopt(fd, level, option, value, length);
    return result == 0 || !guard::is_awake() ? result : after_failed_join(fd, level, option, value, length);
}

/// sendto chooses a port without a call that we see, so that a UDP socket is kept in its range from the
/// beginning.
[[gnu::noinline]] void after_udp_socket(int fd, SocketFacts facts) {
    if (!guard::is_awake()) {
        return;
    }
    const Verdict verdict = decide_socket(guard::config(), host_plan::plan(), facts);
    if (verdict.before == Before::set_port_range && host_plan::clamp(fd, verdict.range)) {
        fd_memory::remember(fd, verdict.next);
    }
}

/// Apart from bind, whose frequent case calls nothing that returns, and so needs no stack.
[[gnu::noinline]] int bind_at_length(int fd, const sockaddr* address, socklen_t length, SocketFacts facts) {
    const bool passes = facts.protocol() == Protocol::other ||
                        (host_plan::enforces_listen() && is_of_no_plan(address, length));
    if (!passes && guard::is_awake()) {
        return guarded_bind(fd, address, length, facts);
    }
    const int result = real::bind(fd, address, length);
    return result == 0 ? 0 : after_failed_foreign_bind(fd, address, length);
}

} // namespace
