#include "preload/aftermath.h"
#include "preload/courtesy.h"
#include "preload/deferred_port.h"
#include "preload/fd_memory.h"
#include "preload/given_numbers.h"
#include "preload/guarded.h"
#include "preload/injection.h"
#include "preload/lease.h"
#include "preload/port_search.h"
#include "preload/real.h"
#include "preload/remember.h"
#include "preload/socket_state.h"

namespace portguard {
namespace {

Verdict decide_known_bind(int fd, const OutgoingPlan& plan, SocketFacts facts, Target target) {
    const Verdict verdict = decide_bind(guard::config(), plan, facts, target);
    return verdict.before == Before::ask_kernel
               ? decide_bind(guard::config(), plan, socket_state::facts_of(fd), target)
               : verdict;
}

void after_bind(int fd, const sockaddr* address, socklen_t length, Target target, const Verdict& verdict) {
    fd_memory::remember(fd, verdict.next);
    if (target.port == 0 && target.family != Family::other) {
        // With port_zero=listen the number is one of the plan's own.
        if (verdict.before != Before::bind_in_listen) {
            given_numbers::note(fd);
            if (lease::is_on()) {
                lease::note(fd, verdict.next);
            }
        }
    } else if (verdict.next.protocol() == Protocol::unknown && target.family != Family::other) {
        courtesy::note_bind_through_unknown_number();
    }
    if (verdict.report == DueReport::refused && !given_numbers::contain(target.port)) {
        tell_passed(fd, Call::bind, address, length, verdict.next);
    }
}

int bind_by_plan(int fd, const sockaddr* address, socklen_t length, SocketFacts facts) {
    if (inject::fails(fd, Call::bind, address, length, facts)) {
        return -1;
    }
    deferred_port::settle_if_any(fd);
    facts = courtesy::end(fd, facts);
    const Config& config = guard::config();
    const OutgoingPlan plan = host_plan::plan();
    Verdict verdict;
    Target target;
    // Without a plan the kernel reads the address first, so that a bad pointer is its EFAULT and not our
    // crash. With one that cannot be had: a bind does not come undone, and whether the pointer is good
    // (process_vm_readv on ourselves) is a system call in each bind, where the budget is none.
    const bool decides_first = config.mode == Mode::enforce && (config.has_listen || plan.clamp_port_zero);
    if (decides_first) {
        target = read_target(address, length);
        verdict = decide_known_bind(fd, plan, facts, target);
        if (verdict.before == Before::refuse && refuse_bind(fd, address, length, target, verdict)) {
            return -1;
        }
        verdict = set_range(fd, verdict, facts, [&](const OutgoingPlan& now) {
            return decide_known_bind(fd, now, facts, target);
        });
    }
    const long result = port_search::is_wanted(verdict)
                            ? port_search::bind_port_zero(fd, address, length, verdict)
                            : real::bind_leaving_errno(fd, address, length);
    if (result != 0) {
        return after_failed_bind(fd, address, length, facts, static_cast<int>(-result));
    }
    if (!decides_first) {
        target = read_target(address, length);
        verdict = decide_known_bind(fd, plan, facts, target);
    }
    after_bind(fd, address, length, target, verdict);
    return 0;
}

} // namespace

Verdict without_refused_range(const Verdict& again, SocketFacts facts) {
    if (again.before != Before::set_port_range) {
        return again;
    }
    const OutgoingPlan plan = host_plan::plan();
    return plan.connect == OutgoingMethod::none && !plan.clamp_port_zero
               ? Verdict{.next = facts}
               : decide_without_range(guard::config(), again, facts);
}

int guarded_bind(int fd, const sockaddr* address, socklen_t length, SocketFacts facts) {
    const int result = bind_by_plan(fd, address, length, facts);
    if (result == 0 && remember::is_wanted()) [[unlikely]] {
        remember::keep(fd, Call::bind, read_target(address, length).port == 0, {});
    }
    return result;
}

} // namespace portguard
