#include "preload/explainer.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <ctime>

#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "kernel/kernel_call.h"
#include "preload/asker.h"
#include "preload/clone.h"
#include "preload/cure.h"
#include "preload/guard.h"
#include "preload/helper_file.h"
#include "preload/host_plan.h"
#include "preload/lost_events.h"
#include "preload/signals.h"

namespace portguard {
namespace {

/// Beyond those that the helper finds.
constexpr int helper_fd = 7;

/// In the program's memory: every further one is left untold.
constinit std::atomic<bool> harmless_told{false};

bool fail(Job& job, const char* why, long number = 0) {
    job.why_plain = why;
    job.why_number = static_cast<int>(number);
    return false;
}

/// Gives a new descriptor the number that it should have.
bool move_to(long fd, int wanted, int flags = 0) {
    if (fd < 0 || fd == wanted) {
        return fd >= 0;
    }
    const long moved = kernel_call(SYS_dup3, fd, wanted, flags);
    kernel_call(SYS_close, fd);
    return moved >= 0;
}

/// Where step 3 of design 3.4 looked for a port; empty: it did not.
PortRange searched_range(const Job& job) {
    const Call call = job.occurrence.call;
    const OutgoingPlan plan = host_plan::plan();
    const bool searched = plan.binds && !job.facts.chose_range() &&
                          (call != Call::connect || plan.connect == OutgoingMethod::explicit_bind);
    return searched ? plan.range : PortRange{};
}

void fill(Snapshot& snapshot, const Job& job, bool stderr_is_ours, std::uint32_t lost) {
    const Occurrence& occurrence = job.occurrence;
    snapshot.size = sizeof snapshot;
    snapshot.version = snapshot_version;
    snapshot.machine = asker::machine();
    snapshot.kind = kind_of(job);
    snapshot.call = occurrence.call;
    snapshot.facts = job.facts;
    snapshot.stderr_is_ours = stderr_is_ours;
    snapshot.no_color = guard::wants_no_color();
    snapshot.socket_stands_in = asker::socket_stands_in();
    snapshot.harmless_told = harmless_told.load(std::memory_order_relaxed);
    snapshot.bound_range = searched_range(job);
    snapshot.fd = asker::descriptor(occurrence.fd);
    snapshot.error = job.cured ? 0 : occurrence.error;
    snapshot.pid = job.pid;
    snapshot.tid = job.tid;
    snapshot.count = job.count;
    snapshot.kept_back = job.kept_back;
    snapshot.lost = lost;
    if (occurrence.address != nullptr && occurrence.length <= sizeof snapshot.address) {
        snapshot.address_length = occurrence.length;
        std::memcpy(snapshot.address, occurrence.address, occurrence.length);
    }
    std::memcpy(snapshot.registers, job.registers, sizeof snapshot.registers);
    std::memcpy(snapshot.program, guard::program_name(), sizeof snapshot.program);
    // Asked here: a program that is not dumpable shows it to nobody else. Full, it may have been cut.
    const long length = kernel_call(SYS_readlinkat, AT_FDCWD, as_argument(asker::exe_path()),
                                    as_argument(snapshot.exe), sizeof snapshot.exe);
    snapshot.exe[length > 0 && static_cast<std::size_t>(length) < sizeof snapshot.exe ? length : 0] = '\0';
    snapshot.config = guard::config();
}

long write_at(const void* bytes, std::size_t length, std::size_t offset) {
    return kernel_call(SYS_pwrite64, snapshot_fd, as_argument(bytes), static_cast<long>(length),
                       static_cast<long>(offset));
}

void write_look(Snapshot& snapshot, const SeenSockets& seen) {
    if (seen.whole && write_at(seen.room.data(), seen.used, sizeof snapshot + snapshot.stack_bytes) ==
                          static_cast<long>(seen.used)) {
        snapshot.look_bytes = static_cast<std::uint32_t>(seen.used);
        snapshot.has_look = true;
    }
}

/// While the helper starts, the lists can be read by another processor than its own (0.45 of 0.5 ms here). It
/// takes what is there when it needs it, or reads them itself.
void look_beside_helper(Job& job, Workspace& workspace) {
    Snapshot& snapshot = workspace.snapshot;
    if (snapshot.has_look || snapshot.kind != EventKind::in_use ||
        snapshot.config.diagnosis != Diagnosis::full) {
        return;
    }
    look_for_helper(job, std::as_writable_bytes(std::span(workspace.answers)));
    write_look(snapshot, job.seen);
    // The length is to be there before the word that it is, and what the helper writes stays.
    if (snapshot.has_look && write_at(&snapshot.look_bytes, sizeof snapshot.look_bytes,
                                      offsetof(Snapshot, look_bytes)) == sizeof snapshot.look_bytes) {
        write_at(&snapshot.has_look, sizeof snapshot.has_look, offsetof(Snapshot, has_look));
    }
}

/// The stack first: only then is known how much of it there was.
bool write_snapshot(Snapshot& snapshot, const SeenSockets& seen) {
    if (snapshot.config.limits.stack_depth != 0) {
        const long copied = asker::copy_memory(stack_pointer_of(snapshot), snapshot_stack_capacity,
                                               snapshot_fd, sizeof snapshot);
        snapshot.stack_bytes = copied > 0 ? static_cast<std::uint32_t>(copied) : 0;
    }
    write_look(snapshot, seen);
    return write_at(&snapshot, sizeof snapshot, 0) == static_cast<long>(sizeof snapshot);
}

/// Opened here, they go on showing this memory when the helper reads them: it has no right to ask for them
/// itself. Where they cannot be had there are no names, or a stack of as much as was copied.
void open_memory(Snapshot& snapshot) {
    move_to(kernel_call(SYS_openat, AT_FDCWD, as_argument(asker::maps_path()), O_RDONLY), snapshot_maps_fd);
    snapshot.has_memory = move_to(
        kernel_call(SYS_openat, AT_FDCWD, as_argument(asker::memory_path()), O_RDONLY), snapshot_memory_fd);
}

bool open_descriptors(Job& job, Workspace& workspace) {
    const long memory = kernel_call(SYS_memfd_create, as_argument("portguard-snapshot"), MFD_CLOEXEC);
    if (!move_to(memory, snapshot_fd)) {
        return fail(job, "memfd_create said errno", memory);
    }
    const char* why = "";
    const int helper = helper_file::open(workspace.answers, why);
    if (!move_to(helper, helper_fd, 0)) {
        return fail(job, why);
    }
    open_memory(workspace.snapshot);
    return write_snapshot(workspace.snapshot, job.seen) || fail(job, "the snapshot cannot be written");
}

/// Of milliseconds of real time, after which SIGALRM ends the process.
void set_alarm(long milliseconds) {
    const itimerval timer{{}, {milliseconds / 1000, milliseconds % 1000 * 1000}};
    kernel_call(SYS_setitimer, ITIMER_REAL, as_argument(&timer), 0);
}

/// The helper's process, until it has executed the file. The alarm outlives that, and ends it if we are
/// killed. Not for sanitizers: it leaves the memory without returning, and ASan's marks around its frame and
/// TSan's entry for its call would stay in the program.
__attribute__((no_sanitize("address"), no_sanitize("thread"))) int start_helper(void* argument) {
    set_alarm(*static_cast<const long*>(argument));
    static constinit const char name[] = "portguard-explain";
    const char* const arguments[] = {name, nullptr};
    const char* const environment[] = {nullptr};
    // Not execveat(2), which filters of system calls forbid more often.
    const long result = kernel_call(SYS_execve, as_argument("/proc/self/fd/7"), as_argument(arguments),
                                    as_argument(environment));
    return static_cast<int>(-result) & 0x3f;
}
static_assert(helper_fd == 7, "as the path says");

/// What wait(2) says of the helper, or what it had told when it was ended.
int with_outcome(int status) {
    std::uint8_t outcome = 0;
    if (!WIFEXITED(status) && kernel_call(SYS_pread64, snapshot_fd, as_argument(&outcome), sizeof outcome,
                                          offsetof(Snapshot, outcome)) == sizeof outcome) {
        return outcome != 0 ? outcome << 8 : status;
    }
    return status;
}

/// Exit status as wait(2) has it; negative: it did not end in time, and was killed.
int wait_for(long pid, long milliseconds) {
    const SignalSet child_ended = signal_bit(SIGCHLD);
    const timespec timeout{milliseconds / 1000, milliseconds % 1000 * 1'000'000};
    int status = 0;
    // SIGCHLD is blocked here and has no handler: it waits for us. SIGCONT interrupts it.
    long result = -EINTR;
    for (int tries = 8; result == -EINTR && tries > 0; --tries) {
        result = kernel_call(SYS_rt_sigtimedwait, as_argument(&child_ended), 0, as_argument(&timeout),
                             sizeof child_ended);
    }
    // Where a filter forbids that, the alarm of either process ends the wait.
    const long options = result == SIGCHLD || result == -EAGAIN ? WNOHANG : 0;
    if (kernel_call(SYS_wait4, pid, as_argument(&status), options, 0) == pid) {
        return status;
    }
    kernel_call(SYS_kill, pid, SIGKILL);
    kernel_call(SYS_wait4, pid, as_argument(&status), 0, 0);
    return -1;
}

/// `lost`: what the helper was to say.
bool judge(Job& job, int status, std::uint32_t lost) {
    if (status < 0) {
        return fail(job, "portguard-explain was not done within budget_ms");
    }
    if (WIFSIGNALED(status)) {
        return fail(job, "portguard-explain was killed by signal", -WTERMSIG(status));
    }
    const int code = WEXITSTATUS(status);
    if (!is_explained(code)) {
        return fail(job, "portguard-explain cannot be executed", -code);
    }
    if ((code & explained_lost) != 0) {
        lost_events::put_back(lost + 1);
    }
    if ((code & explained_silent) != 0) {
        lost_events::put_back(lost);
    }
    if ((code & explained_harmless) != 0) {
        harmless_told.store(true, std::memory_order_relaxed);
    }
    return (code & explained_told) != 0 || fail(job, "portguard-explain gave up");
}

} // namespace

bool explain(Job& job, Workspace& workspace, bool stderr_is_ours) {
    const std::uint32_t lost = lost_events::take();
    fill(workspace.snapshot, job, stderr_is_ours, lost);
    bool told = false;
    if (job.socket != snapshot_socket_fd) {
        // Its number may be one of those that are given away here.
        fail(job, "dup3 failed");
    } else if (open_descriptors(job, workspace)) {
        long budget = guard::config().limits.budget_ms;
        const long pid = clone_child(CLONE_VM | CLONE_VFORK | SIGCHLD, end_of(workspace.starter_stack),
                                     start_helper, &budget);
        if (pid > 0) {
            look_beside_helper(job, workspace);
        }
        told = pid > 0 ? judge(job, with_outcome(wait_for(pid, budget)), lost)
                       : fail(job, "clone said errno", pid);
    }
    if (!told) {
        lost_events::put_back(lost);
    }
    return told;
}

} // namespace portguard
