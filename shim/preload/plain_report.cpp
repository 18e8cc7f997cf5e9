#include "preload/plain_report.h"

#include <atomic>
#include <ctime>

#include <fcntl.h>
#include <sys/syscall.h>

#include "core/event_json.h"
#include "core/policy.h"
#include "kernel/kernel_call.h"
#include "kernel/log_writer.h"
#include "preload/guard.h"
#include "preload/lost_events.h"
#include "preload/quiet_write.h"
#include "preload/standard_error.h"

namespace portguard::plain_report {
namespace {

/// The reason why there is no more than a line is worth saying once.
constinit std::atomic<bool> said_why{false};

/// What the program passed, or, for listen, where the socket is.
Endpoint asked_endpoint(const Occurrence& occurrence, int socket) {
    if (occurrence.address != nullptr) {
        return read_endpoint(occurrence.address, occurrence.length);
    }
    sockaddr_storage local{};
    socklen_t length = sizeof local;
    if (kernel_call(SYS_getsockname, socket, as_argument(&local), as_argument(&length)) != 0) {
        return {};
    }
    return read_endpoint(reinterpret_cast<const sockaddr*>(&local), length);
}

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
    if (!job.why_plain.empty() && !said_why.exchange(true, std::memory_order_relaxed)) {
        line.add(" (one line only, said once: ");
        print_why(job, line);
        line.add(')');
    }
    line.add('\n');
}

void print_json(const Event& event, const Job& job, TextWriter& line) {
    PlainFacts facts;
    kernel_call(SYS_clock_gettime, CLOCK_REALTIME, as_argument(&facts.now));
    facts.fd = job.occurrence.fd;
    char exe[longest_plain_text];
    const long length =
        kernel_call(SYS_readlinkat, AT_FDCWD, as_argument("/proc/self/exe"), as_argument(exe), sizeof exe);
    // Full, it may have been cut.
    if (length > 0 && static_cast<std::size_t>(length) < sizeof exe) {
        facts.exe = {exe, static_cast<std::size_t>(length)};
    }
    Sentence reason;
    print_known_reason(event, guard::config(), reason);
    facts.reason = reason.view();
    Sentence missing;
    missing.add("what diagnosis=full would have asked (");
    if (job.why_plain.empty()) {
        missing.add("diagnosis=line");
    } else {
        print_why(job, missing);
    }
    missing.add(')');
    facts.missing = missing.view();
    print_event_json(event, facts, line);
    line.add('\n');
}

Event event_of(const Job& job, int socket) {
    const Occurrence& occurrence = job.occurrence;
    return {kind_of(job),
            occurrence.call,
            occurrence.facts.protocol(),
            job.cured ? 0 : occurrence.error,
            job.pid,
            guard::program_name(),
            asked_endpoint(occurrence, socket)};
}

/// The count of those that were lost before this one comes with it.
template <std::size_t capacity>
bool write(const Job& job, const Event& event, bool stderr_is_ours, Text<capacity>& block) {
    const Config& config = guard::config();
    const std::uint32_t lost = lost_events::take();
    if (lost != 0) {
        block.add("portguard: ").add_number(lost).add(lost_events_note).add('\n');
    }
    if (config.format == Format::text) {
        print_text(event, job, block);
    } else {
        print_json(event, job, block);
    }
    const bool written = log_writer::write(config, job.pid, stderr_is_ours, level_of(event.kind),
                                           block.view()) == log_writer::Outcome::written;
    if (!written) {
        lost_events::put_back(lost + 1);
    }
    return written;
}

[[gnu::noinline]] void record(const Job& job, const Event& event) {
    Text<plain_event_capacity> line;
    print_json(event, job, line);
    log_writer::record(guard::config(), job.pid, line.view());
}

bool tell_on(const Job& job, int socket, bool stderr_is_ours) {
    const Event event = event_of(job, socket);
    if (guard::config().record[0] != '\0') {
        record(job, event);
    }
    Text<plain_event_capacity + 128> block;
    return guard::config().log.kind == LogKind::none || write(job, event, stderr_is_ours, block);
}

} // namespace

bool tell(const Job& job, bool stderr_is_ours) {
    return tell_on(job, job.socket, stderr_is_ours);
}

void tell_in_host(const Job& job) {
    const QuietWrite quiet;
    tell_on(job, job.occurrence.fd, standard_error::is_ours());
}

} // namespace portguard::plain_report
