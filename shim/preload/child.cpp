#include "preload/child.h"

#include <cerrno>
#include <cstddef>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/kernel_call.h"
#include "kernel/socket_option.h"
#include "preload/admission.h"
#include "preload/clone.h"
#include "preload/confirmation.h"
#include "preload/cure.h"
#include "preload/explainer.h"
#include "preload/guard.h"
#include "preload/host_plan.h"
#include "preload/plain_report.h"
#include "preload/signals.h"
#include "preload/standard_error.h"
#include "preload/taken_along.h"
#include "preload/valgrind.h"

#ifdef __SANITIZE_ADDRESS__
extern "C" void __asan_unpoison_memory_region(const volatile void* address, std::size_t size);
#endif

namespace portguard {
namespace {

constexpr int protection = PROT_READ | PROT_WRITE;
constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK;

// TSan has to see a stack come and go, or it takes two that had the same address, one after the other, for
// one that is shared.
#ifdef __SANITIZE_THREAD__
long map_workspace() {
    return as_argument(::mmap(nullptr, sizeof(Workspace), protection, flags, -1, 0));
}
void unmap_workspace(Workspace* workspace) {
    ::munmap(workspace, sizeof(Workspace));
}
#else
long map_workspace() {
    return kernel_call(call_mmap, 0, sizeof(Workspace), protection, flags, -1, 0);
}
void unmap_workspace(Workspace* workspace) {
    kernel_call(SYS_munmap, as_argument(workspace), sizeof(Workspace));
}
#endif

Workspace* make_workspace() {
    const long mapped = map_workspace();
    if (is_error(mapped)) {
        return nullptr;
    }
    // Fresh anonymous memory is all zero, which is what an empty Workspace is.
    auto* const workspace = reinterpret_cast<Workspace*>(mapped);
#ifdef __SANITIZE_ADDRESS__
    // What was mapped there before, a thread's stack or one of a child that was killed, has left its marks.
    __asan_unpoison_memory_region(workspace, sizeof(Workspace));
#endif
    kernel_call(SYS_mprotect, as_argument(workspace->below_starter), Workspace::guard_size, PROT_NONE);
    kernel_call(SYS_mprotect, as_argument(workspace->below_stack), Workspace::guard_size, PROT_NONE);
    return workspace;
}

struct ChildArguments {
    Job& job;
    Workspace& workspace;
};

/// The exit status of a child that a signal of its own doing has ended: beside the signal's number.
constexpr int killed_mark = 0x80;

/// A process that exits takes nobody along who shares its memory; one that dumps core may (taken_along.h).
void exit_on(int signal) {
    kernel_call(SYS_exit_group, killed_mark | signal);
}

/// The handlers are the program's, and the memory is its: none of them may run here. Ours alone, as the
/// descriptors are: the child was made without CLONE_SIGHAND.
void leave_handlers() {
    for (const int signal : synchronous_signals) {
        set_disposition(signal, exit_on);
    }
    set_disposition(SIGCHLD, SIG_DFL);
    for (const int signal : {SIGPIPE, SIGXFSZ, SIGTTOU}) {
        set_disposition(signal, SIG_IGN);
    }
    if (set_disposition(SIGALRM, SIG_DFL)) {
        const SignalSet alarm = signal_bit(SIGALRM);
        change_signal_mask(SIG_UNBLOCK, &alarm, nullptr);
    }
}

/// What the program was given as a limit of its own is not ours; its hard limit is.
void raise_limit(int resource) {
    rlimit limit{};
    if (kernel_call(SYS_prlimit64, 0, resource, 0, as_argument(&limit)) == 0 &&
        limit.rlim_cur != limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        kernel_call(SYS_prlimit64, 0, resource, as_argument(&limit), 0);
    }
}

/// The copies of the program's descriptors, but the socket's (under snapshot_socket_fd then) and stderr's
/// where reports may go there. Where it cannot be moved, its own number is returned.
int keep_socket_alone(int socket, bool keeps_stderr) {
    if (socket != snapshot_socket_fd && kernel_call(SYS_dup3, socket, snapshot_socket_fd, 0) < 0) {
        return socket;
    }
    for (const int fd : {0, 1, snapshot_fd}) {
        kernel_call(SYS_close, fd);
    }
    if (!keeps_stderr) {
        kernel_call(SYS_close, STDERR_FILENO);
    }
    // The program may have kept them from what it executes (node does so with its stderr), not from what we
    // do.
    for (const int fd : {STDERR_FILENO, snapshot_socket_fd}) {
        kernel_call(SYS_fcntl, fd, F_SETFD, 0);
    }
    // SYS_close_range is of glibc 2.33 and later.
    kernel_call(__NR_close_range, snapshot_socket_fd + 1, ~0U, 0);
    return snapshot_socket_fd;
}

/// Beyond budget_ms, after which the helper is late: for what the child does itself.
constexpr long grace_ms = 300;

/// Whatever the child waits for, the program does not wait longer.
void set_alarm(long milliseconds) {
    const itimerval timer{{}, {milliseconds / 1000, milliseconds % 1000 * 1000}};
    kernel_call(SYS_setitimer, ITIMER_REAL, as_argument(&timer), 0);
}

void tell(Job& job, Workspace& workspace, bool stderr_is_ours) {
    const Diagnosis level = guard::config().diagnosis;
    const bool explains = level == Diagnosis::full || level == Diagnosis::stack;
    if (!explains || !explain(job, workspace, stderr_is_ours)) {
        plain_report::tell(job, stderr_is_ours);
    }
    job.told = true;
}

/// A port of the range that the kernel gives to no connection all the same.
bool is_needless(const Job& job) {
    return job.kind == EventKind::ephemeral_listener && host_plan::is_reserved(job.asked.port);
}

int exit_status(const Job& job) {
    return explained_mark | explained_told | (job.cured ? explained_cured : 0);
}

int run(void* argument) {
    auto& [job, workspace] = *static_cast<ChildArguments*>(argument);
    change_valgrind_silence(1);
    leave_handlers();
    set_alarm(guard::config().limits.budget_ms + grace_ms);
    job.is_shared = true;
    for (const int resource : {RLIMIT_NOFILE, RLIMIT_AS}) {
        raise_limit(resource);
    }
    const bool stderr_is_ours = standard_error::is_ours();
    job.socket = keep_socket_alone(job.occurrence.fd, stderr_is_ours);
    const bool is_ours = confirm(job);
    job.seen.room = std::as_writable_bytes(std::span(workspace.seen));
    job.cured = job.may_cure && try_cure(job, std::as_writable_bytes(std::span(workspace.answers)));
    if (job.child_admits && is_ours) {
        admission::decide(job, admission::now_ns());
    }
    if (job.tells && is_ours && !is_needless(job)) {
        tell(job, workspace, stderr_is_ours);
    } else {
        job.told = true;
    }
    change_valgrind_silence(-1);
    return exit_status(job);
}

/// The second child, after one that was killed: no more than a line, and not by the same system calls.
int run_for_line(void* argument) {
    const auto& [job, workspace] = *static_cast<ChildArguments*>(argument);
    leave_handlers();
    set_alarm(grace_ms);
    plain_report::tell_by_write(job);
    return explained_mark;
}

/// The child was killed while the flag was set. The socket knows what came of it.
bool has_cured(const Occurrence& occurrence) {
    const int fd = occurrence.fd;
    if (occurrence.call == Call::listen) {
        return socket_option_or(fd, SOL_SOCKET, SO_ACCEPTCONN, 0) != 0;
    }
    sockaddr_storage local{};
    socklen_t length = sizeof local;
    return kernel_call(SYS_getsockname, fd, as_argument(&local), as_argument(&length)) == 0 &&
           read_target(reinterpret_cast<const sockaddr*>(&local), length).port != 0;
}

/// The flag of a cure must not stay on a socket that was not cured, nor on one that is bound only. What the
/// child was killed for by a filter of system calls (SIGSYS) would kill the program as well: then no call is
/// made here that the child has not made.
void settle(Job& job, bool forbidden) {
    // What it wrote is not seen: it did not come that far, or valgrind has made a fork of it.
    const bool unseen = !job.is_shared;
    if (job.set_flag && !job.cured && !forbidden) {
        job.cured = has_cured(job.occurrence);
    }
    const bool keeps_flag = job.cured && job.occurrence.call == Call::listen;
    const bool may_have_set = job.set_flag || (unseen && !forbidden && job.facts.is_tcp_like());
    if (!keeps_flag && may_have_set) {
        set_socket_option(job.occurrence.fd, SOL_SOCKET, SO_REUSEADDR, 0);
    }
}

/// The signal that ended the child; 0: it came to its end, or cannot be waited for.
int signal_in(int status) {
    if (WIFSIGNALED(status)) {
        return WTERMSIG(status);
    }
    const int code = WEXITSTATUS(status);
    return (code & killed_mark) != 0 ? code & ~killed_mark : 0;
}

void wait_for(Job& job, long child) {
    int status = 0;
    while (kernel_call(SYS_wait4, child, as_argument(&status), __WALL, 0) == -EINTR) {
    }
    const int code = WEXITSTATUS(status);
    job.killed = !WIFEXITED(status) || !is_explained(code);
    if (!job.killed) {
        job.cured = job.cured || (code & explained_cured) != 0;
        job.told = true;
        if (!job.is_shared && job.child_admits) {
            // The child noted in its copy alone that this event was told: every further one would be, too.
            admission::decide(job, admission::now_ns());
        }
    }
    if (job.may_cure && (job.killed || job.set_flag)) {
        settle(job, signal_in(status) == SIGSYS);
    }
    if (job.killed && !job.only_line) {
        job.why_plain = "the child that reports was killed by signal";
        job.why_number = -signal_in(status);
    }
}

} // namespace

void run_in_child(Job& job) {
    Workspace* const workspace = make_workspace();
    if (workspace == nullptr) {
        job.why_plain = "no memory";
        return;
    }
    ChildArguments arguments{job, *workspace};
    // Of a child that has a copy of the memory, as fork(2) makes it, the exit status says what came of it.
    const unsigned long sharing = may_be_taken_along(workspace->answers) ? 0 : CLONE_VM;
    const auto clone = [&](unsigned long how) {
        return clone_child(how, end_of(workspace->stack), job.only_line ? run_for_line : run, &arguments);
    };
    long child = clone(sharing | CLONE_VFORK);
    if (child == -EINVAL) {
        // qemu-user has no child without an exit signal: there a handler of SIGCHLD sees one of ours.
        child = clone(CLONE_VFORK | SIGCHLD);
    }
    job.socket = job.occurrence.fd;
    if (child > 0) {
        wait_for(job, child);
    } else {
        job.why_plain = "clone said errno";
        job.why_number = static_cast<int>(child);
    }
    unmap_workspace(workspace);
}

} // namespace portguard
