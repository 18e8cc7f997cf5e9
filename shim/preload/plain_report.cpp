#include "preload/plain_report.h"

#include <atomic>
#include <ctime>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/event_json.h"
#include "core/policy.h"
#include "kernel/kernel_call.h"
#include "kernel/log_writer.h"
#include "preload/asker.h"
#include "preload/guard.h"
#include "preload/lost_events.h"
#include "preload/quiet_write.h"
#include "preload/standard_error.h"

namespace portguard::plain_report {
namespace {

/// The reason why there is no more than a line is worth saying once.
constinit std::atomic<bool> said_why{false};

void print_why(const Job& job, TextWriter& out) {
    out.add(job.why_plain);
    if (job.why_number < 0) {
        out.add(' ').add_number(static_cast<std::uint64_t>(-job.why_number));
    }
}

void print_text(const Event& event, const Job& job, TextWriter& line) {
    Sentence reason;
    print_known_reason(event, guard::config(), reason);
    print_event_head(event, line);
    line.add(reason.empty() ? "" : ": ").add(reason.view());
    if (*job.why_plain != '\0' && !said_why.exchange(true, std::memory_order_relaxed)) {
        line.add(" (one line only, said once: ");
        print_why(job, line);
        line.add(')');
    }
    line.add('\n');
}

void print_json(const Event& event, const Job& job, TextWriter& line) {
    PlainFacts facts;
    kernel_call(SYS_clock_gettime, CLOCK_REALTIME, as_argument(&facts.now));
    facts.fd = asker::descriptor(job.occurrence.fd);
    char exe[longest_plain_text];
    const long length =
        kernel_call(SYS_readlinkat, AT_FDCWD, as_argument(asker::exe_path()), as_argument(exe), sizeof exe);
    // Full, it may have been cut.
    if (length > 0 && static_cast<std::size_t>(length) < sizeof exe) {
        facts.exe = {exe, static_cast<std::size_t>(length)};
    }
    Sentence reason;
    print_known_reason(event, guard::config(), reason);
    facts.reason = reason.view();
    Sentence missing;
    missing.add("what diagnosis=full would have asked (");
    if (*job.why_plain == '\0') {
        missing.add("diagnosis=line");
    } else {
        print_why(job, missing);
    }
    missing.add(')');
    facts.missing = missing.view();
    print_event_json(event, facts, line);
    line.add('\n');
}

Event event_of(const Job& job) {
    const Occurrence& occurrence = job.occurrence;
    return {kind_of(job),
            occurrence.call,
            job.facts.protocol(),
            job.cured ? 0 : occurrence.error,
            job.pid,
            guard::program_name(),
            job.asked,
            unix_name_of(occurrence)};
}

/// The line, and before it the count of those that were lost, which is returned.
std::uint32_t print(const Job& job, const Event& event, TextWriter& block) {
    const std::uint32_t lost = lost_events::take();
    if (lost != 0) {
        block.add("portguard: ").add_number(lost).add(lost_events_note).add('\n');
    }
    if (writes_json(guard::config())) {
        print_json(event, job, block);
    } else {
        print_text(event, job, block);
    }
    return lost;
}

using Block = Text<plain_event_capacity + 128>;

/// A function of its own, so that a stack which is almost used up holds one text at a time.
[[gnu::noinline]] void write_to_log(const Job& job, const Event& event, bool stderr_is_ours) {
    Block block;
    const std::uint32_t lost = print(job, event, block);
    if (log_writer::write(guard::config(), job.pid, stderr_is_ours, level_of(event.kind, event.protocol),
                          block.view()) != log_writer::Outcome::written) {
        lost_events::put_back(lost + 1);
    }
}

[[gnu::noinline]] void write_to_record(const Job& job, const Event& event) {
    Text<plain_event_capacity> line;
    print_json(event, job, line);
    log_writer::record(guard::config(), job.pid, line.view());
}

} // namespace

void tell(const Job& job, bool stderr_is_ours) {
    const Event event = event_of(job);
    if (guard::config().record[0] != '\0') {
        write_to_record(job, event);
    }
    if (guard::config().log.kind != LogKind::none) {
        write_to_log(job, event, stderr_is_ours);
    }
}

void tell_by_write(const Job& job) {
    const Event event = event_of(job);
    if (guard::config().log.kind == LogKind::standard_error && standard_error::is_ours()) {
        Block block;
        const std::uint32_t lost = print(job, event, block);
        if (kernel_call(SYS_write, STDERR_FILENO, as_argument(block.view().data()),
                        static_cast<long>(block.view().size())) <= 0) {
            lost_events::put_back(lost + 1);
        }
    } else if (guard::config().log.kind != LogKind::none) {
        write_to_log(job, event, false);
    }
    if (guard::config().record[0] != '\0') {
        write_to_record(job, event);
    }
}

void tell_in_host(const Job& job) {
    const QuietWrite quiet;
    tell(job, standard_error::is_ours());
}

} // namespace portguard::plain_report
