#include "tools/ci/wrapped_run.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr std::array passed_on{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM};

sigset_t waited_for() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    for (const int signal : passed_on) {
        sigaddset(&set, signal);
    }
    return set;
}

/// Tells the parent why there will be no program: exit status and sentence.
[[noreturn]] void become_or_tell(const GuardedProgram& program, const std::function<void()>& enter,
                                 int parent) {
    try {
        enter();
        become_program(program);
    } catch (const Refusal& refusal) {
        const std::string message = static_cast<char>(refusal.code()) + std::string(refusal.what());
        static_cast<void>(!::write(parent, message.data(), message.size()));
    }
    ::_exit(static_cast<int>(ExitCode::not_executable));
}

/// Returns once the program runs.
void require_started(int from_child) {
    std::array<char, 4096> message{};
    ssize_t size = 0;
    do {
        size = ::read(from_child, message.data(), message.size());
    } while (size < 0 && errno == EINTR);
    ::close(from_child);
    if (size > 0) {
        throw Refusal(static_cast<ExitCode>(message[0]),
                      std::string(message.data() + 1, static_cast<std::size_t>(size) - 1));
    }
}

pid_t start(const GuardedProgram& program, const std::function<void()>& enter, const sigset_t& old_mask) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        throw Refusal(ExitCode::failure, std::string("no pipe can be had: ") + std::strerror(errno));
    }
    const pid_t child = ::fork();
    if (child == 0) {
        ::sigprocmask(SIG_SETMASK, &old_mask, nullptr);
        become_or_tell(program, enter, ends[1]);
    }
    const int error = errno;
    ::close(ends[1]);
    if (child < 0) {
        ::close(ends[0]);
        throw Refusal(ExitCode::failure, std::string("no process can be had: ") + std::strerror(error));
    }
    require_started(ends[0]);
    return child;
}

/// Reaps what has ended; true once `child` has.
bool reap(pid_t child, int& wait_status) {
    int status = 0;
    for (pid_t ended = ::waitpid(-1, &status, WNOHANG); ended > 0; ended = ::waitpid(-1, &status, WNOHANG)) {
        if (ended == child) {
            wait_status = status;
            return true;
        }
    }
    return false;
}

timespec until(Clock::time_point time) {
    const auto left = std::max(Clock::duration::zero(), time - Clock::now());
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    return {seconds.count(), std::chrono::nanoseconds(left - seconds).count()};
}

bool is_from_terminal(const siginfo_t& info) {
    return info.si_code == SI_KERNEL;
}

/// A key that ended the program at once may still be pending, and would end the report about it as well.
/// Returns what somebody else has sent meanwhile, or 0.
int drop_what_the_terminal_sent(const sigset_t& waited) {
    constexpr timespec at_once{};
    int other = 0;
    siginfo_t info{};
    for (int signal = 0; (signal = ::sigtimedwait(&waited, &info, &at_once)) > 0;) {
        other = signal != SIGCHLD && !is_from_terminal(info) ? signal : other;
    }
    return other;
}

} // namespace

int run_to_its_end(const GuardedProgram& program, const std::function<void()>& enter, milliseconds interval,
                   const std::function<void()>& look) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    const sigset_t waited = waited_for();
    sigset_t old_mask;
    ::sigprocmask(SIG_BLOCK, &waited, &old_mask);
    // An ignored SIGCHLD would let children go without their status.
    ::signal(SIGCHLD, SIG_DFL);
    const pid_t child = start(program, enter, old_mask);
    Clock::time_point next_look = Clock::now();
    int wait_status = 0;
    while (!reap(child, wait_status)) {
        if (Clock::now() >= next_look) {
            look();
            next_look = Clock::now() + interval;
        }
        const timespec left = until(next_look);
        siginfo_t info{};
        const int signal = ::sigtimedwait(&waited, &info, &left);
        // What a terminal sends goes to the whole foreground group, the program among it.
        if (signal > 0 && signal != SIGCHLD && !is_from_terminal(info)) {
            ::kill(child, signal);
        }
    }
    const int for_us = drop_what_the_terminal_sent(waited);
    ::sigprocmask(SIG_SETMASK, &old_mask, nullptr);
    if (for_us != 0) {
        ::raise(for_us);
    }
    return wait_status;
}

void end_like(int wait_status) {
    if (WIFSIGNALED(wait_status)) {
        const rlimit no_core{0, 0};
        ::setrlimit(RLIMIT_CORE, &no_core);
        const int signal = WTERMSIG(wait_status);
        ::signal(signal, SIG_DFL);
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, signal);
        ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
        ::kill(::getpid(), signal);
    }
    constexpr int signal_base = 128;
    ::_exit(WIFSIGNALED(wait_status) ? signal_base + WTERMSIG(wait_status) : WEXITSTATUS(wait_status));
}

} // namespace portguard::tools
