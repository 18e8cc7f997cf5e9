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

/// The helper is late after budget_ms, and this process some time later: whatever it waits for, the program
/// does not.
void set_alarm() {
    constexpr long grace_ms = 300;
    const long milliseconds = guard::config().budget_ms.value() + grace_ms;
    const itimerval timer{{}, {milliseconds / 1000, milliseconds % 1000 * 1000}};
    kernel_call(SYS_setitimer, ITIMER_REAL, as_argument(&timer), 0);
}

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
    job.told =
        (explains && explain(job, workspace, stderr_is_ours)) || plain_report::tell(job, stderr_is_ours);
}

int exit_status(const Job& job) {
    return explained_mark | (job.told ? explained_told : 0) | (job.cured ? explained_cured : 0);
}

int run(void* argument) {
    auto& [job, workspace] = *static_cast<ChildArguments*>(argument);
    change_valgrind_silence(1);
    leave_handlers();
    set_alarm();
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
    } else {
        job.told = true;
    }
    change_valgrind_silence(-1);
    return exit_status(job);
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

void wait_for(Job& job, long child) {
    int status = 0;
    while (kernel_call(SYS_wait4, child, as_argument(&status), __WCLONE, 0) == -EINTR) {
    }
    const int code = WEXITSTATUS(status);
    if (WIFEXITED(status) && (code & explained_mark) != 0) {
        job.cured = (code & explained_cured) != 0;
        job.told = (code & explained_told) != 0;
        return;
    }
    settle(job);
    if (!job.told) {
        job.why_plain = "the child that reports was killed by signal";
        job.why_number = -WTERMSIG(status);
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
    const long child = clone_child(CLONE_VM | CLONE_VFORK, end_of(workspace->stack), run, &arguments);
    if (child > 0) {
        wait_for(job, child);
    } else {
        job.why_plain = "clone said errno";
        job.why_number = static_cast<int>(child);
    }
    unmap_workspace(workspace);
}

} // namespace portguard
