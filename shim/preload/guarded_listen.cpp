#include <cerrno>

#include "preload/aftermath.h"
#include "preload/fd_memory.h"
#include "preload/guarded.h"
#include "preload/injection.h"
#include "preload/lease.h"
#include "preload/port_search.h"
#include "preload/real.h"
#include "preload/remember.h"
#include "preload/socket_state.h"

namespace portguard {
namespace {

/// Two system calls. That listen has succeeded says only that this is a stream socket, so the kernel is asked
/// whether it is TCP, and listens still. Its flag is not asked for: setting one that is set changes nothing,
/// and a 0 that the program chose looks as one that it did not; that choice is remembered, or it is not known
/// at all.
void mark_listener(int fd) {
    if (socket_state::tcp_state(fd) == TCP_LISTEN) {
        socket_state::set_reuseaddr(fd, 1);
    }
}

int listen_by_plan(int fd, int backlog, SocketFacts facts) {
    if (inject::fails(fd, Call::listen, nullptr, 0, facts)) {
        return -1;
    }
    const auto decide = [&facts](const OutgoingPlan& plan) {
        return decide_listen(guard::config(), plan, facts);
    };
    const OutgoingPlan plan = host_plan::plan();
    Verdict verdict = decide(plan);
    if (verdict.before == Before::refuse) {
        if (refuse_listen(fd, plan)) {
            return -1;
        }
        facts = facts.with_port(PortChoice::program);
        verdict = decide(plan);
    }
    verdict = set_range(fd, verdict, facts, decide);
    if (!port_search::give_port_if_wanted(fd, verdict)) {
        errno = EADDRINUSE;
        return after_exhausted_listen(fd, facts);
    }
    const bool leases = lease::is_on() && facts.port() == PortChoice::kernel;
    const long result = leases ? lease::listen(fd, backlog, facts) : real::listen_leaving_errno(fd, backlog);
    if (result != 0) {
        return after_failed_listen(fd, backlog, facts, static_cast<int>(-result));
    }
    if (verdict.after == After::mark_listener) {
        mark_listener(fd);
    }
    fd_memory::remember(fd, verdict.next);
    if (verdict.report != DueReport::nothing) {
        tell_listener(fd, verdict.report, verdict.next);
    }
    return 0;
}

} // namespace

int guarded_listen(int fd, int backlog, SocketFacts facts) {
    const int result = listen_by_plan(fd, backlog, facts);
    if (result == 0 && remember::is_wanted()) [[unlikely]] {
        remember::keep(fd, Call::listen, facts.port() == PortChoice::kernel, {});
    }
    return result;
}

} // namespace portguard
