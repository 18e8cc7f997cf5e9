#include "explain/sandbox.h"

#include <cstddef>
#include <string>

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/proc.h"

namespace portguard {
namespace {

bool has_filter() {
    constexpr std::size_t longest_status = 4096;
    const auto status = read_text_file("/proc/self/status", longest_status, Syscalls{});
    // Unknown is taken for none, as without /proc nobody's socket is found anyway.
    return status.has_value() && status->find("\nSeccomp:\t2") != std::string::npos;
}

} // namespace

bool is_borrowing_deadly() {
    if (!has_filter()) {
        return false;
    }
    const pid_t child = fork();
    if (child == 0) {
        // The kernel's answers are nothing: that it gives one is what is asked.
        syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, getpid(), 0), -1, 0);
        _exit(0);
    }
    int status = 0;
    return child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status);
}

} // namespace portguard
