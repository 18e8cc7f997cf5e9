// When: what happens around each intercepted call. What is to happen is decided in core/policy.h; what cannot
// be undone or is slow lives in report.cpp. Nothing here may throw, allocate or touch TLS while calls
// succeed, and no object with a destructor may live across real::connect or real::close, which are
// cancellation points (H10).
#include <atomic>
#include <cerrno>

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/options.h"
#include "core/policy.h"
#include "preload/fd_memory.h"
#include "preload/guard.h"
#include "preload/kernel_call.h"
#include "preload/outgoing_side.h"
#include "preload/real.h"
#include "preload/report.h"

using namespace portguard;

namespace {

[[gnu::constructor]] void on_load() {
    if (guard::current_activity.load(std::memory_order_relaxed) == guard::Activity::not_started) {
        guard::start();
    }
}

void set_reuseaddr(int fd, int value) {
    kernel_call(SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, as_argument(&value), sizeof value);
}

/// What we set before a call, and the program did not ask for. False: it could not be set.
bool prepare(int fd, const Verdict& verdict, const OutgoingPlan& plan) {
    switch (verdict.before) {
    case Before::set_port_range: return outgoing_side::clamp(fd, plan.range);
    case Before::set_reuseaddr: set_reuseaddr(fd, 1); return true;
    case Before::nothing:
    case Before::ask_kernel:
    case Before::refuse: break;
    }
    return true;
}

[[gnu::cold, gnu::noinline]] void tell_ephemeral(int fd, Call call, const sockaddr* address, socklen_t length,
                                                 SocketFacts facts) {
    static constinit std::atomic<bool> told_udp{false};
    if (facts.protocol() == Protocol::udp && told_udp.exchange(true, std::memory_order_relaxed)) {
        return;
    }
    tell({EventKind::ephemeral_listener, call, fd, 0, address, length, facts});
}

/// True: refused, and errno is set. The memory may be of another socket by now, so the kernel is asked first:
/// what it would not take as a bind is left to it.
[[gnu::cold, gnu::noinline]] bool refuse(int fd, const sockaddr* address, socklen_t length) {
    const SocketFacts facts = outgoing_side::ask_kernel(fd);
    if (facts.protocol() == Protocol::other) {
        return false;
    }
    const int error = errno_value(guard::config().deny_errno);
    tell({EventKind::refused, Call::bind, fd, error, address, length, facts});
    errno = error;
    return true;
}

[[gnu::cold, gnu::noinline]] int after_failed_bind(int fd, const sockaddr* address, socklen_t length,
                                                   SocketFacts facts) {
    const int error = errno;
    // With these errors the kernel has read the address; others come before (EBADF, ENOTSOCK) or because it
    // cannot (EFAULT), and then we could not either.
    if (error != EADDRINUSE && error != EADDRNOTAVAIL && error != EACCES) {
        return -1;
    }
    const Target target = read_target(address, length);
    if (target.family == Family::other) {
        return -1;
    }
    const SocketFacts known = facts.protocol() == Protocol::unknown ? outgoing_side::ask_kernel(fd) : facts;
    const Occurrence occurrence{EventKind::in_use, Call::bind, fd, error, address, length, known};
    if (known.protocol() == Protocol::other) {
        return -1;
    }
    if (error == EADDRINUSE && cure_or_tell(occurrence) == 0) {
        fd_memory::remember(fd, known.with_port(PortChoice::program));
        return 0;
    }
    Occurrence other = occurrence;
    if (error == EADDRNOTAVAIL) {
        other.kind = EventKind::unavailable;
        tell(other);
    } else if (error == EACCES && target.port != 0) {
        other.kind = EventKind::privileged;
        tell(other);
    }
    return -1;
}

void after_bind(int fd, const sockaddr* address, socklen_t length, const Verdict& verdict) {
    fd_memory::remember(fd, verdict.next);
    if (verdict.after == After::tell_ephemeral) {
        tell_ephemeral(fd, Call::bind, address, length, verdict.next);
    }
    if (verdict.tell_refused) {
        tell({EventKind::refused, Call::bind, fd, errno_value(guard::config().deny_errno), address, length,
              verdict.next});
    }
}

[[gnu::cold, gnu::noinline]] int after_failed_connect(int fd, const sockaddr* address, socklen_t length,
                                                      SocketFacts facts) {
    if (errno == EADDRNOTAVAIL) {
        tell({EventKind::exhausted, Call::connect, fd, EADDRNOTAVAIL, address, length, facts});
    }
    return -1;
}

/// connect went through or is under way, so the address was readable.
void after_connect(int fd, const sockaddr* address, socklen_t length, Verdict verdict,
                   const OutgoingPlan& plan) {
    if (is_disconnect(address, length)) {
        verdict = decide_connect(guard::config(), plan, fd_memory::recall(fd), true);
    }
    if (verdict.after == After::give_courtesy) {
        set_reuseaddr(fd, 1);
    } else if (verdict.after == After::take_courtesy_back) {
        set_reuseaddr(fd, 0);
    }
    fd_memory::remember(fd, verdict.next);
}

[[gnu::noinline]] int watched_setsockopt(int fd, int level, int option, const void* value, socklen_t length) {
    const int result = real::setsockopt(fd, level, option, value, length);
    if (result == 0) {
        fd_memory::remember(fd, facts_after_setsockopt(fd_memory::recall(fd), level, option));
    }
    return result;
}

// Apart from their callers, so that a call which is none of our business saves no register.
[[gnu::noinline]] int guarded_bind(int fd, const sockaddr* address, socklen_t length, SocketFacts facts) {
    const Config& config = guard::config();
    const OutgoingPlan plan = outgoing_side::plan();
    Verdict verdict;
    // Without a plan the kernel reads the address first, so that a bad pointer is its EFAULT and not our
    // crash.
    const bool decides_first = config.mode == Mode::enforce && (config.has_listen || plan.clamp_port_zero);
    if (decides_first) {
        const Target target = read_target(address, length);
        verdict = decide_bind(config, plan, facts, target);
        if (verdict.before == Before::ask_kernel) {
            verdict = decide_bind(config, plan, outgoing_side::ask_kernel(fd), target);
        }
        if (verdict.before == Before::refuse && refuse(fd, address, length)) {
            return -1;
        }
        if (!prepare(fd, verdict, plan)) {
            verdict.next = facts;
        }
    }
    if (real::bind(fd, address, length) != 0) {
        return after_failed_bind(fd, address, length, facts);
    }
    if (!decides_first) {
        const Target target = read_target(address, length);
        verdict = decide_bind(config, plan, facts, target);
        if (verdict.before == Before::ask_kernel) {
            verdict = decide_bind(config, plan, outgoing_side::ask_kernel(fd), target);
        }
    }
    after_bind(fd, address, length, verdict);
    return 0;
}

[[gnu::noinline]] int guarded_listen(int fd, int backlog, SocketFacts facts) {
    const OutgoingPlan plan = outgoing_side::plan();
    const Verdict verdict = decide_listen(guard::config(), plan, facts);
    const bool prepared = prepare(fd, verdict, plan);
    if (real::listen(fd, backlog) != 0) {
        const int error = errno;
        if (verdict.before == Before::set_reuseaddr) {
            set_reuseaddr(fd, 0);
        }
        if (error == EADDRINUSE) {
            tell({EventKind::in_use, Call::listen, fd, error, nullptr, 0, facts});
        }
        return -1;
    }
    if (prepared) {
        fd_memory::remember(fd, verdict.next);
    }
    if (verdict.after == After::tell_ephemeral) {
        tell_ephemeral(fd, Call::listen, nullptr, 0, facts);
    }
    return 0;
}

[[gnu::noinline]] int guarded_connect(int fd, const sockaddr* address, socklen_t length, SocketFacts facts) {
    const OutgoingPlan plan = outgoing_side::plan();
    Verdict verdict = decide_connect(guard::config(), plan, facts, false);
    if (verdict.before == Before::ask_kernel) {
        verdict = decide_connect(guard::config(), plan, outgoing_side::ask_kernel(fd), false);
    }
    if (!prepare(fd, verdict, plan)) {
        verdict = decide_connect(guard::config(), outgoing_side::plan(), facts, false);
    }
    const int result = real::connect(fd, address, length);
    if (result != 0 && errno != EINPROGRESS) {
        return after_failed_connect(fd, address, length, facts);
    }
    if (verdict.next != facts || facts.port() == PortChoice::courteous) {
        after_connect(fd, address, length, verdict, plan);
    }
    return result;
}

} // namespace

extern "C" {

#pragma GCC visibility push(default)

int socket(int domain, int type, int protocol) noexcept {
    const int fd = real::socket(domain, type, protocol);
    if (fd >= 0) {
        fd_memory::remember(fd, facts_of_socket(domain, type, protocol));
    }
    return fd;
}

int bind(int fd, const sockaddr* address, socklen_t length) noexcept {
    const SocketFacts facts = fd_memory::recall(fd);
    if (is_bind_in_plan(guard::config(), facts, address, length) && outgoing_side::is_published()) {
        if (real::bind(fd, address, length) != 0) {
            return after_failed_bind(fd, address, length, facts);
        }
        fd_memory::remember(fd, facts.with_port(PortChoice::program));
        return 0;
    }
    return facts.protocol() == Protocol::other || !guard::is_awake()
               ? real::bind(fd, address, length)
               : guarded_bind(fd, address, length, facts);
}

int listen(int fd, int backlog) noexcept {
    const SocketFacts facts = fd_memory::recall(fd);
    return facts.protocol() == Protocol::other || !guard::is_awake() ? real::listen(fd, backlog)
                                                                     : guarded_listen(fd, backlog, facts);
}

int connect(int fd, const sockaddr* address, socklen_t length) {
    const SocketFacts facts = fd_memory::recall(fd);
    if (outgoing_side::leaves_connect_alone() && facts.is_tcp_like() &&
        facts.port() != PortChoice::courteous) {
        const int result = real::connect(fd, address, length);
        return result == 0 ? 0 : after_failed_connect(fd, address, length, facts);
    }
    const bool is_ours = facts.protocol() != Protocol::other && facts.protocol() != Protocol::udp;
    return is_ours && guard::is_awake() ? guarded_connect(fd, address, length, facts)
                                        : real::connect(fd, address, length);
}

int setsockopt(int fd, int level, int option, const void* value, socklen_t length) noexcept {
    return is_watched_option(level, option) ? watched_setsockopt(fd, level, option, value, length)
                                            : real::setsockopt(fd, level, option, value, length);
}

int close(int fd) {
    // Before the real close: after it the number may be another thread's.
    fd_memory::forget(fd);
    return real::close(fd);
}

#define INTERPOSED(result, name, parameters, arguments, specification, number)
#define ALIAS(name, of) __typeof__(of) name __attribute__((alias(#of), copy(of)));
#include "preload/interposed.def"
#undef INTERPOSED
#undef ALIAS

#pragma GCC visibility pop

} // extern "C"
