// When: what happens around each intercepted call. What is to happen is decided in core/policy.h; what cannot
// be undone or is slow lives in report.cpp. Nothing here may throw, allocate or touch TLS while calls
// succeed, and no object with a destructor may live across real::connect or real::close, which are
// cancellation points (H10).
#include <cerrno>

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/policy.h"
#include "preload/aftermath.h"
#include "preload/fd_memory.h"
#include "preload/guard.h"
#include "preload/inject.h"
#include "kernel/kernel_call.h"
#include "preload/outgoing_side.h"
#include "preload/port_search.h"
#include "preload/real.h"

using namespace portguard;

namespace {

[[gnu::constructor]] void on_load() {
    guard::start();
}

void set_reuseaddr(int fd, int value) {
    kernel_call(SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, as_argument(&value), sizeof value);
}

/// Sets the range that `verdict` asks for. Where the kernel refuses, `decide` is asked again: it may have
/// turned out not to know the option, and the plan is another one then.
template <typename Decide>
Verdict set_range(int fd, const Verdict& verdict, SocketFacts facts, Decide decide) {
    if (verdict.before != Before::set_port_range) {
        return verdict;
    }
    if (outgoing_side::clamp(fd, verdict.range)) {
        return {.next = verdict.next};
    }
    const OutgoingPlan plan = outgoing_side::plan();
    const Verdict again = decide(plan);
    if (again.before != Before::set_port_range) {
        return again;
    }
    return plan.connect == OutgoingMethod::none && !plan.clamp_port_zero
               ? Verdict{.next = facts}
               : decide_without_range(guard::config(), again, facts);
}

void after_bind(int fd, const sockaddr* address, socklen_t length, const Verdict& verdict) {
    fd_memory::remember(fd, verdict.next);
    if (verdict.after == After::tell_ephemeral) {
        tell_ephemeral(fd, Call::bind, address, length, verdict.next);
    }
    if (verdict.tell_refused) {
        tell_passed(fd, address, length, verdict.next);
    }
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

/// sendto chooses a port without a call that we see, so that a UDP socket is kept in its range from the
/// beginning.
[[gnu::noinline]] void after_udp_socket(int fd, SocketFacts facts) {
    if (!guard::is_awake()) {
        return;
    }
    const Verdict verdict = decide_socket(guard::config(), outgoing_side::plan(), facts);
    if (verdict.before == Before::set_port_range && outgoing_side::clamp(fd, verdict.range)) {
        fd_memory::remember(fd, verdict.next);
    }
}

Verdict decide_known_bind(int fd, const OutgoingPlan& plan, SocketFacts facts, Target target) {
    const Verdict verdict = decide_bind(guard::config(), plan, facts, target);
    return verdict.before == Before::ask_kernel
               ? decide_bind(guard::config(), plan, outgoing_side::ask_kernel(fd), target)
               : verdict;
}

// Apart from their callers, so that a call which is none of our business saves no register.
[[gnu::noinline]] int guarded_bind(int fd, const sockaddr* address, socklen_t length, SocketFacts facts) {
    if (inject::fails(fd, Call::bind, address, length, facts)) {
        return -1;
    }
    const Config& config = guard::config();
    const OutgoingPlan plan = outgoing_side::plan();
    Verdict verdict;
    // Without a plan the kernel reads the address first, so that a bad pointer is its EFAULT and not our
    // crash.
    const bool decides_first = config.mode == Mode::enforce && (config.has_listen || plan.clamp_port_zero);
    if (decides_first) {
        const Target target = read_target(address, length);
        verdict = decide_known_bind(fd, plan, facts, target);
        if (verdict.before == Before::refuse && refuse(fd, address, length)) {
            return -1;
        }
        verdict = set_range(fd, verdict, facts, [&](const OutgoingPlan& now) {
            return decide_known_bind(fd, now, facts, target);
        });
    }
    const int result = port_search::is_wanted(verdict)
                           ? port_search::bind_port_zero(fd, address, length, verdict)
                           : real::bind(fd, address, length);
    if (result != 0) {
        return after_failed_bind(fd, address, length, facts);
    }
    if (!decides_first) {
        verdict = decide_known_bind(fd, plan, facts, read_target(address, length));
    }
    after_bind(fd, address, length, verdict);
    return 0;
}

[[gnu::noinline]] int guarded_listen(int fd, int backlog, SocketFacts facts) {
    if (inject::fails(fd, Call::listen, nullptr, 0, facts)) {
        return -1;
    }
    const auto decide = [&facts](const OutgoingPlan& plan) {
        return decide_listen(guard::config(), plan, facts);
    };
    Verdict verdict = decide(outgoing_side::plan());
    if (verdict.before == Before::set_reuseaddr && facts.protocol() == Protocol::unknown) {
        // Bound under a number that was never seen as a socket: a flag of the program's own must survive a
        // listen that fails.
        facts = outgoing_side::ask_kernel(fd).with_port(facts.port());
        verdict = decide(outgoing_side::plan());
    }
    verdict = set_range(fd, verdict, facts, decide);
    if (!port_search::give_port_if_wanted(fd, verdict)) {
        errno = EADDRINUSE;
        return after_failed_listen(fd, EventKind::exhausted, facts);
    }
    const bool marks = verdict.before == Before::set_reuseaddr;
    if (marks) {
        set_reuseaddr(fd, 1);
    }
    if (real::listen(fd, backlog) != 0) {
        if (marks) {
            set_reuseaddr(fd, 0);
        }
        return after_failed_listen(fd, EventKind::in_use, facts);
    }
    fd_memory::remember(fd, verdict.next);
    if (verdict.after == After::tell_ephemeral) {
        tell_ephemeral(fd, Call::listen, nullptr, 0, facts);
    }
    return 0;
}

/// Whether the plan has a say in the local port that connect will choose. Not for AF_UNSPEC, nor for what the
/// kernel refuses: a port given there would stay, and the program's next bind would fail.
bool steers(const OutgoingPlan& plan, SocketFacts facts, const sockaddr* address, socklen_t length) {
    return guard::config().mode == Mode::enforce && plan.connect != OutgoingMethod::courtesy &&
           facts.port() == PortChoice::kernel && !is_disconnect(address, length) &&
           read_target(address, length).family != Family::other;
}

/// Keeps the coming choice inside the plan. False: no port is left. `facts` are known from here on.
bool steer(int fd, const OutgoingPlan& plan, const sockaddr* address, socklen_t length, SocketFacts& facts,
           Verdict& verdict) {
    if (facts.protocol() == Protocol::unknown &&
        decide_connect(guard::config(), plan, facts, false).before == Before::ask_kernel) {
        facts = outgoing_side::ask_kernel(fd);
    }
    const std::uint16_t avoid = outgoing_side::port_to_avoid(plan, facts, address, length);
    const auto decide = [&facts, avoid](const OutgoingPlan& now) {
        return decide_connect(guard::config(), now, facts, false, avoid);
    };
    verdict = set_range(fd, decide(plan), facts, decide);
    return port_search::give_port_if_wanted(fd, verdict);
}

[[gnu::noinline]] int guarded_connect(int fd, const sockaddr* address, socklen_t length, SocketFacts facts) {
    if (inject::fails(fd, Call::connect, address, length, facts)) {
        return -1;
    }
    const OutgoingPlan plan = outgoing_side::plan();
    Verdict verdict{.next = facts};
    if (plan.connect == OutgoingMethod::courtesy) {
        verdict = decide_connect(guard::config(), plan, facts, false);
    } else if (steers(plan, facts, address, length) && !steer(fd, plan, address, length, facts, verdict)) {
        errno = EADDRNOTAVAIL;
        return after_failed_connect(fd, address, length, facts);
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
    const bool enforced = outgoing_side::enforces_listen();
    if (enforced && is_bind_in_plan(guard::config(), facts, address, length)) {
        if (real::bind(fd, address, length) != 0) {
            return after_failed_bind(fd, address, length, facts);
        }
        fd_memory::remember(fd, facts.with_port(PortChoice::program));
        return 0;
    }
    const bool passes = facts.protocol() == Protocol::other || (enforced && is_of_no_plan(address, length));
    return passes || !guard::is_awake() ? real::bind(fd, address, length)
                                        : guarded_bind(fd, address, length, facts);
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
        guard::config().mode == Mode::enforce && outgoing_side::leaves_connect_alone(address, length)) {
        const int result = real::connect(fd, address, length);
        return result == 0 ? 0 : after_failed_connect(fd, address, length, facts);
    }
    return facts.protocol() == Protocol::other || !guard::is_awake()
               ? real::connect(fd, address, length)
               : guarded_connect(fd, address, length, facts);
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

// GCC wants an alias to have its target's attributes; Clang does not know how to say so.
#if __has_attribute(copy)
#define LIKE(of) , copy(of)
#else
#define LIKE(of)
#endif
#define INTERPOSED(result, name, parameters, arguments, specification, number)
#define ALIAS(name, of) __typeof__(of) name __attribute__((alias(#of) LIKE(of)));
#include "preload/interposed.def"
#undef LIKE
#undef INTERPOSED
#undef ALIAS

#pragma GCC visibility pop

} // extern "C"
