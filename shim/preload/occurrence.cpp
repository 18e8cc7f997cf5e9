#include "preload/occurrence.h"

#include "core/policy.h"
#include "preload/admission.h"
#include "preload/asker.h"
#include "preload/child.h"
#include "preload/guard.h"
#include "preload/lost_events.h"
#include "preload/plain_report.h"
#include "preload/signals.h"
#include "preload/socket_state.h"

namespace portguard {
namespace {

/// One that was killed, by a filter of system calls as a rule, is followed by another that writes a line and
/// no more: what killed it would kill the program.
void tell_in_second_child(Job& job) {
    job.only_line = true;
    job.may_cure = false;
    run_in_child(job);
    if (!job.told) {
        lost_events::put_back(1);
    }
}

/// The child could not be had, or was killed: before it asked, if it was to ask.
void tell_what_child_did_not(Job& job) {
    if (job.told) {
        return;
    }
    if (job.child_admits && !job.tells) {
        admission::decide(job, admission::now_ns());
    }
    if (job.tells && job.killed) {
        tell_in_second_child(job);
    } else if (job.tells) {
        plain_report::tell_in_host(job);
    }
}

Endpoint asked_endpoint(const Occurrence& occurrence) {
    if (occurrence.address != nullptr) {
        return read_endpoint(occurrence.address, occurrence.length);
    }
    const socket_state::LocalAddress local = socket_state::local_address(occurrence.fd);
    return read_endpoint(reinterpret_cast<const sockaddr*>(&local.storage), local.length);
}

/// What came under its number unseen may be a TCP socket, whatever was remembered of the one before it.
bool may_hope_for_cure(SocketFacts facts) {
    return !asker::socket_stands_in() &&
           may_try_cure(guard::config(), facts.is_tcp_like() ? facts : SocketFacts::of(Protocol::tcp));
}

/// Not inlined: the walk of the stack begins in its frame, which lives until the child is done.
[[gnu::noinline]] CureOutcome handle(const Occurrence& occurrence, bool may_cure) {
    Job job{occurrence};
    job.asked = asked_endpoint(occurrence);
    job.may_cure = may_cure;
    const std::uint64_t began_ns = admission::now_ns();
    job.child_admits = may_cure;
    if (!may_cure) {
        admission::decide(job, began_ns);
        if (!job.tells) {
            return {};
        }
    }
    job.pid = asker::pid();
    SignalSet before = 0;
    constexpr SignalSet asynchronous = asynchronous_signals();
    if (!change_signal_mask(SIG_BLOCK, &asynchronous, &before)) {
        // tor's sandbox. A handler of the program's could run in the child, in the program's memory.
        job.why_plain = "signals cannot be blocked";
        tell_what_child_did_not(job);
        return {};
    }
    job.tid = asker::tid();
    asker::read_registers(job.registers);
    run_in_child(job);
    tell_what_child_did_not(job);
    change_signal_mask(SIG_SETMASK, &before, nullptr);
    if (job.tells) {
        admission::spend(admission::now_ns() - began_ns);
    }
    return {job.cured, job.facts};
}

} // namespace

void tell(const Occurrence& occurrence) {
    handle(occurrence, false);
}

CureOutcome cure_or_tell(const Occurrence& occurrence) {
    return handle(occurrence, may_hope_for_cure(occurrence.facts));
}

} // namespace portguard
