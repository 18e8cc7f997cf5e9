#include "kernel/borrow_refusal.h"

#include <algorithm>
#include <cerrno>

#include <linux/capability.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/errno_name.h"
#include "core/number.h"
#include "kernel/folder.h"
#include "kernel/holders.h"
#include "kernel/pidfd.h"
#include "kernel/proc.h"

namespace portguard {
namespace {

/// /proc/PID belongs to root as soon as the process is not dumpable (proc(5)); of a process of root's that
/// tells nothing.
std::optional<bool> read_dumpable(const std::string& folder, uid_t effective) {
    struct stat status {};
    if (effective == 0 || ::stat(folder.c_str(), &status) != 0) {
        return std::nullopt;
    }
    return status.st_uid == effective;
}

int read_ptrace_scope() {
    const auto text = read_text_file("/proc/sys/kernel/yama/ptrace_scope", 16, Syscalls{});
    std::string_view rest = text.has_value() ? std::string_view(*text) : std::string_view();
    return take_number<int>(rest).value_or(0);
}

int error_of_own_borrow() {
    const Syscalls syscalls;
    const ScopedFd own(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), syscalls);
    const ScopedFd borrowed(borrow_fd(::getpid(), own.get(), syscalls), syscalls);
    return borrowed.valid() ? 0 : errno;
}

template <typename Ids, typename Id>
bool all_are(const Ids& ids, Id id) {
    return std::all_of(ids.begin(), ids.end(), [id](Id other) { return other == id; });
}

std::string describe_blocked_call(const BorrowFacts& facts) {
    if (facts.filtered) {
        return "a seccomp filter, as containers have, refuses pidfd_getfd (" +
               describe_errno(facts.own_error) +
               "); it works outside of the container, or with `docker run --cap-add SYS_PTRACE`";
    }
    return facts.own_error == ENOSYS
               ? "this kernel has no pidfd_getfd; Linux 5.6 is the first that has it"
               : "pidfd_getfd does not work here (" + describe_errno(facts.own_error) + ")";
}

std::string describe_scope(int scope) {
    const std::string name = "Yama's kernel.yama.ptrace_scope=" + std::to_string(scope);
    return scope >= 3 ? name + " forbids it to everybody until the next boot"
                      : name + " forbids it without CAP_SYS_PTRACE; it works as root";
}

} // namespace

BorrowFacts gather_borrow_facts(pid_t pid, int error) {
    BorrowFacts facts;
    facts.error = error;
    facts.own_error = error_of_own_borrow();
    facts.own_uid = ::getuid();
    facts.ptrace_scope = read_ptrace_scope();
    const auto own = read_status(::getpid(), Syscalls{});
    const auto other = read_status(pid, Syscalls{});
    if (own.has_value()) {
        facts.filtered = own->seccomp_mode != 0;
        facts.has_sys_ptrace = own->has_effective(CAP_SYS_PTRACE);
    }
    if (own.has_value() && other.has_value() && own->uids && own->gids && other->uids && other->gids) {
        facts.uid = other->effective_uid();
        facts.same_user =
            all_are(*other->uids, own->uids->front()) && all_are(*other->gids, own->gids->front());
        facts.dumpable = read_dumpable("/proc/" + std::to_string(pid), *facts.uid);
        facts.has_more_capabilities = (other->permitted_capabilities & ~own->permitted_capabilities) != 0;
    }
    return facts;
}

bool would_work_as_root(const BorrowFacts& facts) {
    return facts.own_error == 0 && (facts.error == EPERM || facts.error == EACCES) && facts.own_uid != 0 &&
           facts.ptrace_scope < 3 && !facts.has_sys_ptrace;
}

std::string describe_refusal(const BorrowFacts& facts) {
    switch (facts.error) {
    case ESRCH:
    case EBADF:
    case ESTALE: return "its process has closed it meanwhile";
    case EMFILE:
    case ENFILE: return "no descriptor is left for it (" + describe_errno(facts.error) + ")";
    default: break;
    }
    if (facts.own_error != 0) {
        return describe_blocked_call(facts);
    }
    if (facts.error != EPERM && facts.error != EACCES) {
        return "pidfd_getfd said " + describe_errno(facts.error);
    }
    if (facts.ptrace_scope >= 3) {
        return describe_scope(facts.ptrace_scope);
    }
    if (facts.has_sys_ptrace) {
        return "a security module (SELinux, AppArmor) or another user namespace forbids it";
    }
    if (facts.uid.has_value() && !facts.same_user) {
        return facts.own_uid == 0
                   ? "no ptrace right: its process is of uid " + std::to_string(*facts.uid) +
                         ", and this root has no CAP_SYS_PTRACE (`docker run --cap-add SYS_PTRACE`)"
                   : "no ptrace right: its process is of uid " + std::to_string(*facts.uid) +
                         " and this one of uid " + std::to_string(facts.own_uid) + "; it works as root";
    }
    if (facts.dumpable == false) {
        return "its process is not dumpable (prctl PR_SET_DUMPABLE, or it changed its user); it works "
               "as root";
    }
    if (facts.ptrace_scope >= 1) {
        return describe_scope(facts.ptrace_scope);
    }
    if (facts.has_more_capabilities) {
        return "its process has capabilities that this one lacks; it works as root";
    }
    return "no ptrace right, for its process is not dumpable or a security module forbids it; it "
           "works with CAP_SYS_PTRACE";
}

} // namespace portguard
