#include "explain/sandbox.h"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/text.h"
#include "kernel/network_owner.h"
#include "kernel/proc.h"

namespace portguard {
namespace {
// By number: headers before Linux 5.13 have no names for them.
constexpr long call_create_ruleset = 444;
constexpr long call_restrict_self = 446;
/// LANDLOCK_MAX_NUM_LAYERS (security/landlock/limits.h).
constexpr unsigned most_layers = 16;

/// How many more rulesets this process takes before the kernel says E2BIG. It is restricted for good.
int count_free_layers() {
    const std::uint64_t handled_access_fs = 1; // LANDLOCK_ACCESS_FS_EXECUTE; nothing is executed any more
    const long ruleset = syscall(call_create_ruleset, &handled_access_fs, sizeof handled_access_fs, 0);
    if (ruleset < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return -1;
    }
    for (unsigned count = 0; count <= most_layers; ++count) {
        if (syscall(call_restrict_self, ruleset, 0) != 0) {
            return errno == E2BIG ? static_cast<int>(count) : -1;
        }
    }
    return -1;
}

/// Nothing tells whether Landlock is in force but its limit: layers of a parent count for its children.
std::optional<unsigned> count_landlock_layers() {
    constexpr int unknown = 0xff;
    const pid_t child = fork();
    if (child == 0) {
        const int count = count_free_layers();
        _exit(count < 0 ? unknown : count);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) ||
        WEXITSTATUS(status) > static_cast<int>(most_layers)) {
        return std::nullopt;
    }
    return most_layers - static_cast<unsigned>(WEXITSTATUS(status));
}

void read_label(const std::string& folder, SandboxFacts& facts) {
    constexpr std::size_t longest = 4096;
    const auto text = read_text_file((folder + "/attr/current").c_str(), longest, Syscalls{});
    if (!text.has_value()) {
        return;
    }
    const std::string_view label =
        trimmed(std::string_view(*text).substr(0, text->find_first_of(std::string_view("\n\0", 2))));
    if (label.empty() || label == "unconfined" || label.find("unconfined_t") != std::string_view::npos) {
        return;
    }
    facts.label = label;
    facts.module = label.ends_with(')') ? "AppArmor" : "SELinux";
}

} // namespace

bool is_under_filter() {
    const auto status = read_status(getpid(), Syscalls{});
    // Unknown is taken for none, as without /proc nobody's socket is found anyway.
    return status.has_value() && status->seccomp_mode == SECCOMP_MODE_FILTER;
}

bool is_borrowing_deadly() {
    const pid_t child = fork();
    if (child == 0) {
        // The kernel's answers are nothing: that it gives one is what is asked. SYS_pidfd_getfd is of
        // glibc 2.32 and later.
        syscall(__NR_pidfd_getfd, syscall(SYS_pidfd_open, getpid(), 0), -1, 0);
        _exit(0);
    }
    int status = 0;
    return child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status);
}

SandboxFacts ask_sandbox(pid_t pid, pid_t tid) {
    SandboxFacts facts;
    std::string folder = "/proc/" + std::to_string(pid);
    folder += tid > 0 ? "/task/" + std::to_string(tid) : "";
    if (const auto asker = read_status(tid > 0 ? tid : pid, Syscalls{})) {
        facts.is_filtered = asker->seccomp_mode == SECCOMP_MODE_FILTER;
        facts.may_bind_low_ports = asker->has_effective(CAP_NET_BIND_SERVICE) && is_network_ours();
    }
    read_label(folder, facts);
    facts.landlock_layers = count_landlock_layers();
    return facts;
}

} // namespace portguard
