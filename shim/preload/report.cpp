#include "preload/report.h"

#include <cerrno>

#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "core/policy.h"
#include "preload/diagnosis_module.h"
#include "preload/guard.h"
#include "preload/outgoing_side.h"
#include "preload/own_stack.h"
#include "preload/plain_report.h"
#include "preload/port_lock.h"
#include "preload/quiet_section.h"
#include "preload/real.h"

namespace portguard {
namespace {

void emit(const char* text, std::size_t length) {
    plain_report::write_to_log({text, length});
}

void record(const char* text, std::size_t length) {
    plain_report::write_to_record({text, length});
}

/// One piece of work on the report's stack: what it is about and what came of it.
struct Job {
    const Occurrence& occurrence;
    ucontext_t context{};
    /// Both phases of a call are one request: the module keeps in it what it has found.
    SeamRequest request{};
    int result = -1;
};

/// Where step 3 of design 3.4 looked for a port; empty: it did not.
PortRange searched_range(const Occurrence& occurrence) {
    const OutgoingPlan plan = outgoing_side::plan();
    const bool searched = plan.binds && !occurrence.facts.chose_range() &&
                          (occurrence.call != Call::connect || plan.connect == OutgoingMethod::explicit_bind);
    return searched ? plan.range : PortRange{};
}

SeamRequest make_request(const Occurrence& occurrence, ucontext_t& context) {
    SeamRequest request;
    request.call = occurrence.call;
    request.facts = occurrence.facts;
    request.fd = occurrence.fd;
    request.error = occurrence.error;
    request.address = occurrence.address;
    request.length = occurrence.length;
    request.bound_range = searched_range(occurrence);
    request.config = &guard::config();
    request.program = guard::program_name();
    request.context = &context;
    request.real = real::functions();
    request.emit = emit;
    request.record = plain_report::has_record() ? record : nullptr;
    return request;
}

void report(Job& job, EventKind kind) {
    SeamRequest& request = job.request;
    request.phase = Phase::report;
    request.kind = kind;
    request.error = kind == EventKind::cured ? 0 : job.occurrence.error;
    if (!diagnosis_module::serve(request)) {
        Occurrence told = job.occurrence;
        told.kind = kind;
        told.error = request.error;
        plain_report::tell(told);
    }
}

/// The retry of design 3.2. False: the port stays refused, and the socket is as the program made it.
bool try_cure(Job& job) {
    const Occurrence& occurrence = job.occurrence;
    const Target target = read_target(occurrence.address, occurrence.length);
    if (!may_try_cure(guard::config(), occurrence.facts, target)) {
        return false;
    }
    // Asked under the lock: two that saw the same TIME_WAIT would both bind otherwise (298 of 2,000 tries).
    const PortLock lock(target.port);
    job.request.phase = Phase::ask;
    if (!lock.is_held() || !diagnosis_module::serve(job.request) || !job.request.may_cure) {
        return false;
    }
    constexpr int on = 1;
    constexpr int off = 0;
    if (real::setsockopt(occurrence.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) {
        return false;
    }
    if (real::bind(occurrence.fd, occurrence.address, occurrence.length) == 0) {
        return true;
    }
    real::setsockopt(occurrence.fd, SOL_SOCKET, SO_REUSEADDR, &off, sizeof off);
    return false;
}

void tell_job(void* argument) {
    auto& job = *static_cast<Job*>(argument);
    report(job, job.occurrence.kind);
}

void cure_job(void* argument) {
    auto& job = *static_cast<Job*>(argument);
    const bool cured = try_cure(job);
    report(job, cured ? EventKind::cured : EventKind::in_use);
    job.result = cured ? 0 : -1;
}

void tell_plainly(void* argument) {
    plain_report::tell(*static_cast<const Occurrence*>(argument));
}

/// A function of its own: its frame is larger than all that a line needs of the caller's stack.
[[gnu::noinline]] int run_with_module(const Occurrence& occurrence, void (*work)(void*),
                                      const OwnStack& stack) {
    Job job{occurrence};
    job.request = make_request(occurrence, job.context);
    getcontext(&job.context);
    stack.call(work, &job);
    return job.result;
}

/// Runs `work` where it can do no harm, or tells one line where that is all that can be done.
int run(const Occurrence& occurrence, void (*work)(void*)) {
    const Diagnosis level = guard::config().diagnosis;
    if (level == Diagnosis::off || (level == Diagnosis::line && !is_told(occurrence.kind, guard::config()))) {
        return -1;
    }
    const QuietSection quiet;
    const OwnStack stack;
    if (!stack.exists()) {
        plain_report::tell(occurrence);
        return -1;
    }
    if (level == Diagnosis::line) {
        Occurrence told = occurrence;
        stack.call(tell_plainly, &told);
        return -1;
    }
    return run_with_module(occurrence, work, stack);
}

} // namespace

void tell(const Occurrence& occurrence) {
    if (is_told(occurrence.kind, guard::config())) {
        run(occurrence, tell_job);
    }
}

int cure_or_tell(const Occurrence& occurrence) {
    return run(occurrence, cure_job);
}

} // namespace portguard
