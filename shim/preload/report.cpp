#include "preload/report.h"

#include "core/policy.h"
#include "preload/admission.h"
#include "preload/child.h"
#include "preload/guard.h"
#include "preload/plain_report.h"
#include "preload/registers.h"
#include "preload/signals.h"

namespace portguard {
namespace {

/// No child could be had.
void tell_without_child(Job& job) {
    if (job.may_cure) {
        admission::decide(job, admission::now_ns());
    }
    if (job.tells) {
        plain_report::tell_in_host(job);
    }
}

/// Not inlined: the walk of the stack begins in its frame, which lives until the child is done.
[[gnu::noinline]] int handle(const Occurrence& occurrence, bool may_cure) {
    Job job{occurrence};
    job.may_cure = may_cure;
    const std::uint64_t began_ns = admission::now_ns();
    // Where there may be a cure, the child knows what there is to tell, and asks.
    if (!may_cure) {
        admission::decide(job, began_ns);
        if (!job.tells) {
            return -1;
        }
    }
    SignalSet before = 0;
    constexpr SignalSet asynchronous = asynchronous_signals();
    change_signal_mask(SIG_BLOCK, &asynchronous, &before);
    job.pid = static_cast<int>(kernel_call(SYS_getpid));
    job.tid = static_cast<int>(kernel_call(SYS_gettid));
    capture_registers(job.registers);
    run_in_child(job);
    if (!job.done) {
        tell_without_child(job);
    }
    change_signal_mask(SIG_SETMASK, &before, nullptr);
    if (job.tells) {
        admission::spend(admission::now_ns() - began_ns);
    }
    return job.cured ? 0 : -1;
}

} // namespace

void tell(const Occurrence& occurrence) {
    handle(occurrence, false);
}

int cure_or_tell(const Occurrence& occurrence) {
    return handle(occurrence, may_try_cure(guard::config(), occurrence.facts));
}

} // namespace portguard
