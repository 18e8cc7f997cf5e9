#include "preload/child.h"

#include <cerrno>

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
#include "preload/cure.h"
#include "preload/explainer.h"
#include "preload/guard.h"
#include "preload/lost_events.h"
#include "preload/plain_report.h"
#include "preload/signals.h"
#include "preload/standard_error.h"

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
    return kernel_call(SYS_mmap, 0, sizeof(Workspace), protection, flags, -1, 0);
}
void unmap_workspace(Workspace* workspace) {
    kernel_call(SYS_munmap, as_argument(workspace), sizeof(Workspace));
}
#endif

Workspace* make_workspace() {
    const long mapped = map_workspace();
    if (mapped <= 0) {
        return nullptr;
    }
    // Fresh anonymous memory is all zero, which is what an empty Workspace is.
    auto* const workspace = reinterpret_cast<Workspace*>(mapped);
    kernel_call(SYS_mprotect, as_argument(workspace->below_starter), Workspace::guard_size, PROT_NONE);
    kernel_call(SYS_mprotect, as_argument(workspace->below_stack), Workspace::guard_size, PROT_NONE);
    return workspace;
}

struct ChildArguments {
    Job& job;
    Workspace& workspace;
};

/// The handlers are the program's, and the memory is its: none of them may run here. Ours alone, as the
/// descriptors are: the child was made without CLONE_SIGHAND.
void leave_handlers() {
    for (const int signal : synchronous_signals) {
        set_disposition(signal, SIG_DFL);
    }
    set_disposition(SIGALRM, SIG_DFL);
    set_disposition(SIGCHLD, SIG_DFL);
    for (const int signal : {SIGPIPE, SIGXFSZ, SIGTTOU}) {
        set_disposition(signal, SIG_IGN);
    }
    const SignalSet alarm = signal_bit(SIGALRM);
    change_signal_mask(SIG_UNBLOCK, &alarm, nullptr);
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
    kernel_call(SYS_close_range, snapshot_socket_fd + 1, ~0U, 0);
    return snapshot_socket_fd;
}

/// Whatever the child waits for, the program does not wait longer.
void set_alarm(long milliseconds) {
    const itimerval timer{{}, {milliseconds / 1000, milliseconds % 1000 * 1000}};
    kernel_call(SYS_setitimer, ITIMER_REAL, as_argument(&timer), 0);
}

/// Beyond budget_ms, after which the helper is late: for what the child does itself.
constexpr long grace_ms = 300;

/// A stack is copied as it is, with what was never written. valgrind's memcheck would tell the program's user
/// of it: its request VG_USERREQ__CHANGE_ERR_DISABLEMENT (valgrind.h), four rotations by 128 bits in all
/// elsewhere.
void change_valgrind_silence(std::int64_t change) {
#if defined(__x86_64__)
    const std::int64_t request[6] = {0x1801, change, 0, 0, 0, 0};
    std::int64_t result = 0;
    asm volatile(
        "rolq $3, %%rdi\n\trolq $13, %%rdi\n\trolq $61, %%rdi\n\trolq $51, %%rdi\n\txchgq %%rbx, %%rbx"
        : "+d"(result)
        : "a"(request)
        : "cc", "memory");
#else
    static_cast<void>(change);
#endif
}

void tell(Job& job, Workspace& workspace, bool stderr_is_ours) {
    const Diagnosis level = guard::config().diagnosis;
    const bool explains = level == Diagnosis::full || level == Diagnosis::stack;
    if (!explains || !explain(job, workspace, stderr_is_ours)) {
        plain_report::tell(job, stderr_is_ours);
    }
}

/// Cures, and tells what came of it.
int handle(void* argument) {
    auto& [job, workspace] = *static_cast<ChildArguments*>(argument);
    change_valgrind_silence(1);
    leave_handlers();
    set_alarm(guard::config().budget_ms.value() + grace_ms);
    for (const int resource : {RLIMIT_NOFILE, RLIMIT_AS}) {
        raise_limit(resource);
    }
    const bool stderr_is_ours = standard_error::is_ours();
    job.socket = keep_socket_alone(job.occurrence.fd, stderr_is_ours);
    if (job.may_cure) {
        job.cured =
            try_cure(job.occurrence, job.socket, std::as_writable_bytes(std::span(workspace.answers)));
        admission::decide(job, admission::now_ns());
    }
    if (job.tells) {
        tell(job, workspace, stderr_is_ours);
    }
    job.done = true;
    change_valgrind_silence(-1);
    return explained_mark | (job.cured ? explained_cured : 0);
}

/// A child that was killed is told of by a second one, which does no more than that, and may be killed as
/// well: what the first did not survive (a filter of system calls, a limit) might not be survived by the
/// program.
int tell_of_death(void* argument) {
    auto& [job, workspace] = *static_cast<ChildArguments*>(argument);
    leave_handlers();
    set_alarm(grace_ms);
    plain_report::tell_by_write(job);
    job.done = true;
    return explained_mark;
}

/// The child was killed before it could say what it did. The socket knows, and the flag of a cure must not
/// stay on one that was not cured.
void settle(Job& job) {
    const int fd = job.occurrence.fd;
    if (!job.may_cure || job.cured) {
        return;
    }
    if (job.occurrence.call == Call::listen) {
        job.cured = socket_option_or(fd, SOL_SOCKET, SO_ACCEPTCONN, 0) != 0;
    } else {
        sockaddr_storage local{};
        socklen_t length = sizeof local;
        job.cured = kernel_call(SYS_getsockname, fd, as_argument(&local), as_argument(&length)) == 0 &&
                    read_target(reinterpret_cast<const sockaddr*>(&local), length).port != 0;
    }
    if (!job.cured || job.occurrence.call == Call::bind) {
        set_socket_option(fd, SOL_SOCKET, SO_REUSEADDR, 0);
    }
}

/// The child's status; false: it was killed.
bool wait_for(long child, int& status) {
    while (kernel_call(SYS_wait4, child, as_argument(&status), __WCLONE, 0) == -EINTR) {
    }
    return WIFEXITED(status) && (WEXITSTATUS(status) & explained_mark) != 0;
}

void handle_in_child(Job& job, Workspace& workspace) {
    ChildArguments arguments{job, workspace};
    const long child = clone_child(CLONE_VM | CLONE_VFORK, end_of(workspace.stack), handle, &arguments);
    if (child < 0) {
        job.why_plain = "clone said errno";
        job.why_number = static_cast<int>(child);
        return;
    }
    int status = 0;
    if (wait_for(child, status)) {
        job.cured = (WEXITSTATUS(status) & explained_cured) != 0;
        job.done = true;
        return;
    }
    job.socket = job.occurrence.fd;
    settle(job);
    if (job.may_cure && !job.tells) {
        admission::decide(job, admission::now_ns());
    }
    if (!job.tells || job.done) {
        return;
    }
    job.why_plain = "the child that reports was killed by signal";
    job.why_number = -WTERMSIG(status);
    const long second =
        clone_child(CLONE_VM | CLONE_VFORK, end_of(workspace.stack), tell_of_death, &arguments);
    if (second > 0 && !wait_for(second, status)) {
        lost_events::put_back(1);
    }
    job.done = second > 0;
}

} // namespace

void run_in_child(Job& job) {
    Workspace* const workspace = make_workspace();
    if (workspace == nullptr) {
        job.why_plain = "no memory";
        return;
    }
    handle_in_child(job, *workspace);
    unmap_workspace(workspace);
}

} // namespace portguard
