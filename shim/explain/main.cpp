// portguard-explain: what a failing call has left, made a report. The child that cures a call executes it,
// with the descriptors of core/snapshot.h, the program's rights and no environment; `portguard explain FILE`
// with that file.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <optional>
#include <vector>

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/event_json.h"
#include "core/text.h"
#include "explain/explain.h"
#include "explain/log_event.h"
#include "kernel/proc.h"

namespace portguard {
namespace {

constexpr int first_foreign_fd = snapshot_memory_fd + 1;

/// Before anything else: a copy of the program's descriptors keeps its connections open, and the ports.
void close_all_others() {
    // SYS_close_range is of glibc 2.33 and later.
    if (syscall(__NR_close_range, first_foreign_fd, ~0U, 0) == 0) {
        return;
    }
    // Before Linux 5.9, or in a sandbox.
    rlimit limit{};
    constexpr rlim_t most = 65536;
    const rlim_t end = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? std::min(limit.rlim_cur, most) : most;
    for (int fd = first_foreign_fd; fd < static_cast<int>(end); ++fd) {
        close(fd);
    }
}

bool is_open(int fd) {
    return fcntl(fd, F_GETFD) >= 0;
}

/// So that no file that is opened later becomes standard error.
void fill_standard_descriptors() {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
        if (!is_open(fd)) {
            // The lowest that is free is this one.
            open("/dev/null", O_RDWR | O_NOCTTY);
        }
    }
}

/// A write to a closed pipe, or beyond a limit, fails and no more; and a file of memory in the program's own
/// folder would tell of nothing but us.
void become_harmless() {
    for (const int number : {SIGPIPE, SIGXFSZ, SIGTTOU}) {
        std::signal(number, SIG_IGN);
    }
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
}

/// This one, and the child that executed it: a process between it and the program, unless that has gone.
std::vector<pid_t> own_processes(pid_t program) {
    std::vector<pid_t> processes{getpid()};
    const pid_t parent = getppid();
    const auto status = read_status(parent, Syscalls{});
    if (parent != program && status.has_value() && status->parent == program) {
        processes.push_back(parent);
    }
    return processes;
}

/// Only what goes to a person's terminal; https://no-color.org.
bool wants_colour(const Snapshot& snapshot) {
    return snapshot.config.log.kind == LogKind::standard_error && snapshot.stderr_is_ours &&
           !snapshot.no_color && isatty(STDERR_FILENO) == 1;
}

/// With the event as a whole, where MESSAGE is not that already.
std::vector<log_writer::Field> fields_of(const ExplainedEvent& event) {
    std::vector<log_writer::Field> fields;
    for (const JournalField& field : event.fields) {
        fields.push_back({field.name, field.value});
    }
    if (!event.json.empty() && !event.text.empty()) {
        fields.push_back({journal_event_field, event.json});
    }
    return fields;
}

/// What it adds to the exit status.
int write_event(const Snapshot& snapshot, const ExplainedEvent& event) {
    const Config& config = snapshot.config;
    if (config.record[0] != '\0') {
        record_event(snapshot, event.level, event.json);
    }
    const bool written =
        config.log.kind == LogKind::none ||
        log_event(snapshot, event.level, writes_json(config) ? event.json : event.text, fields_of(event));
    // Not for another to try: it would be recorded twice.
    return explained_told | (written ? 0 : explained_lost);
}

int explain_descriptors(const ReadSnapshot& read) {
    const Snapshot& snapshot = read.snapshot;
    if (!is_told(snapshot.kind, snapshot.facts.protocol(), snapshot.config)) {
        return explained_told;
    }
    const Deadline deadline(std::chrono::milliseconds(snapshot.config.limits.budget_ms));
    const SnapshotFiles files{snapshot_fd, is_open(snapshot_socket_fd) ? snapshot_socket_fd : -1,
                              snapshot_maps_fd, snapshot_memory_fd};
    const ExplainedEvent event =
        explain_snapshot(read, files, own_processes(snapshot.pid), deadline, wants_colour(snapshot));
    if (event.level == level_of(snapshot.kind, snapshot.facts.protocol())) {
        return write_event(snapshot, event);
    }
    return event.level < snapshot.config.level || snapshot.harmless_told
               ? explained_told | explained_silent
               : explained_harmless | write_event(snapshot, event);
}

/// To end takes time as well, and may be too late.
void leave_outcome(int status) {
    const auto outcome = static_cast<std::uint8_t>(status);
    static_cast<void>(pwrite(snapshot_fd, &outcome, sizeof outcome, offsetof(Snapshot, outcome)) ==
                      sizeof outcome);
}

int serve_program() {
    close_all_others();
    fill_standard_descriptors();
    become_harmless();
    const auto read = read_snapshot(snapshot_fd);
    if (!read.has_value()) {
        return explained_mark;
    }
    const int cured = read->snapshot.kind == EventKind::cured ? explained_cured : 0;
    try {
        const int status = explained_mark | cured | explain_descriptors(*read);
        leave_outcome(status);
        return status;
    } catch (const std::exception&) {
        return explained_mark | cured;
    }
}

/// For developers: prints what the snapshot in `path` says. What the socket and /proc would have added is
/// missing there, and so are the frames without `maps`, a copy of the program's /proc/PID/maps.
int serve_file(const char* path, const char* maps) {
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    auto read = fd < 0 ? std::nullopt : read_snapshot(fd);
    if (!read.has_value()) {
        std::fprintf(stderr, "portguard-explain: %s: %s\n", path,
                     fd < 0 ? "cannot be opened" : "not a snapshot of this version");
        return 2;
    }
    // Whoever holds the port by now, or has the pid, is not what was asked about.
    Diagnosis& diagnosis = read->snapshot.config.diagnosis;
    diagnosis = diagnosis == Diagnosis::full ? Diagnosis::stack : diagnosis;
    SnapshotFiles files;
    files.maps = maps == nullptr ? -1 : open(maps, O_RDONLY | O_CLOEXEC);
    const Deadline deadline(std::chrono::seconds(10));
    const ExplainedEvent event = explain_snapshot(*read, files, {}, deadline, false);
    std::puts((event.text.empty() ? event.json : event.text).c_str());
    return 0;
}

} // namespace
} // namespace portguard

#if !defined(PORTGUARD_SANITIZED_HELPER)
/// In place of libc's: libunwind tries by it whether it might validate memory of its own process, which it
/// reads none of here, and a sandbox may kill for it (redis-server's unit does).
extern "C" int mincore(void* /*start*/, std::size_t /*length*/, unsigned char* resident) noexcept;
int mincore(void* /*start*/, std::size_t /*length*/, unsigned char* resident) noexcept {
    *resident = 1;
    return 0;
}
#endif

int main(int count, char** arguments) {
    return count > 1 ? portguard::serve_file(arguments[1], count > 2 ? arguments[2] : nullptr)
                     : portguard::serve_program();
}
