#include "preload/plain_report.h"

#include <ctime>

#include <fcntl.h>
#include <sys/syscall.h>

#include "core/event_json.h"
#include "core/policy.h"
#include "kernel/kernel_call.h"
#include "kernel/log_writer.h"
#include "preload/diagnosis_module.h"
#include "preload/guard.h"
#include "preload/lost_events.h"
#include "preload/standard_error.h"

namespace portguard::plain_report {
namespace {

std::int32_t own_pid() {
    return static_cast<std::int32_t>(kernel_call(SYS_getpid));
}

log_writer::Outcome log_block(std::string_view lines) {
    return log_writer::write(guard::config(), own_pid(), standard_error::is_ours(), Level::error, lines);
}

log_writer::Outcome record_block(std::string_view lines) {
    return log_writer::record(guard::config(), own_pid(), lines);
}

void write_counted(log_writer::Outcome (*write)(std::string_view), std::string_view lines) {
    const log_writer::Outcome outcome = write(lines);
    lost_events::note(outcome);
    Text<96> note;
    const std::uint32_t lost = outcome == log_writer::Outcome::written ? lost_events::take(note) : 0;
    if (lost != 0 && write(note.view()) == log_writer::Outcome::lost) {
        lost_events::put_back(lost);
    }
}

/// What the program passed, or, for listen, where the socket is.
Endpoint asked_endpoint(const Occurrence& occurrence) {
    if (occurrence.address != nullptr) {
        return read_endpoint(occurrence.address, occurrence.length);
    }
    sockaddr_storage local{};
    socklen_t length = sizeof local;
    if (kernel_call(SYS_getsockname, occurrence.fd, as_argument(&local), as_argument(&length)) != 0) {
        return {};
    }
    return read_endpoint(reinterpret_cast<const sockaddr*>(&local), length);
}

/// The two forms are functions of their own, so that a stack which is almost used up holds one of them at a
/// time.
[[gnu::noinline]] void print_text(const Event& event, std::string_view why_missing) {
    Sentence reason;
    print_known_reason(event, guard::config(), reason);
    Sentence line;
    print_event_head(event, line);
    line.add(reason.empty() ? "" : ": ").add(reason.view());
    if (!why_missing.empty()) {
        line.add(" (no diagnosis from here on: ").add(why_missing).add(')');
    }
    line.add('\n');
    write_to_log(line.view());
}

[[gnu::noinline]] void print_json(const Event& event, int fd, std::string_view why_missing,
                                  void (*write)(std::string_view)) {
    PlainFacts facts;
    clock_gettime(CLOCK_REALTIME, &facts.now);
    facts.fd = fd;
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
    const bool is_short = guard::config().diagnosis == Diagnosis::line;
    Sentence missing;
    missing.add("what diagnosis=full would have asked (")
        .add(!why_missing.empty() ? why_missing
             : is_short           ? "diagnosis=line"
                                  : "it could not run")
        .add(')');
    facts.missing = missing.view();
    Text<plain_event_capacity> line;
    print_event_json(event, facts, line);
    line.add('\n');
    write(line.view());
}

} // namespace

void tell(const Occurrence& occurrence) {
    const Config& config = guard::config();
    if (!is_told(occurrence.kind, config)) {
        return;
    }
    const Event event{occurrence.kind, occurrence.call,       occurrence.facts.protocol(), occurrence.error,
                      own_pid(),       guard::program_name(), asked_endpoint(occurrence)};
    Sentence why_missing;
    diagnosis_module::print_why_missing(why_missing);
    if (config.log.kind != LogKind::none && config.format == Format::text) {
        print_text(event, why_missing.view());
    } else if (config.log.kind != LogKind::none) {
        print_json(event, occurrence.fd, why_missing.view(), write_to_log);
    }
    if (has_record()) {
        print_json(event, occurrence.fd, why_missing.view(), write_to_record);
    }
}

void write_to_log(std::string_view lines) {
    write_counted(log_block, lines);
}

void write_to_record(std::string_view lines) {
    write_counted(record_block, lines);
}

bool has_record() {
    return guard::config().record[0] != '\0';
}

} // namespace portguard::plain_report
