#include "tools/repro/program.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <filesystem>

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/holders.h"
#include "kernel/syscalls.h"
#include "tools/common/refusal.h"
#include "tools/events/event_log.h"
#include "tools/repro/recorded_program.h"
#include "tools/repro/scene_process.h"

namespace portguard::tools {
namespace {

/// Where the guard writes what it tells: a folder of PROGRAM's user.
class LogFolder {
public:
    explicit LogFolder(const Scene& scene, bool other_users) {
        std::string name = std::filesystem::temp_directory_path() / "portguard-repro-XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) {
            throw Refusal(ExitCode::findings, "no folder for the log can be made in " +
                                                  std::filesystem::temp_directory_path().string() + " (" +
                                                  describe_errno(errno) + ")");
        }
        path_ = name;
        if (other_users && scene.uid.has_value()) {
            // Where it cannot be given away, no event of the program is read, and the report says so. Not a
            // cast: what a distribution's _FORTIFY_SOURCE marks is warned of in spite of it.
            [[maybe_unused]] const int given = ::chown(name.c_str(), *scene.uid, static_cast<gid_t>(-1));
        }
    }
    LogFolder(const LogFolder&) = delete;
    LogFolder& operator=(const LogFolder&) = delete;
    ~LogFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] std::string log() const { return path_ / "events.json"; }

private:
    std::filesystem::path path_;
};

GuardedProgram guarded(const Scene& scene, Fix fix, const ProgramPlan& plan, const std::string& log) {
    GuardedProgram program = plan.program;
    if (!plan.with_shim) {
        program.variables.clear();
        return program;
    }
    for (const auto& [name, value] : guard_variables(scene, fix, log)) {
        program.variables[name] = value;
    }
    return program;
}

[[noreturn]] void become_asking(const Scene& scene, const ProgramPlan& plan, const GuardedProgram& program,
                                bool other_users) {
    ::signal(SIGINT, SIG_DFL);
    ::signal(SIGQUIT, SIG_DFL);
    if (plan.keeps_output_clear) {
        ::dup2(STDERR_FILENO, STDOUT_FILENO);
    }
    try {
        enter_asking_process(scene, other_users);
        if (!plan.folder.empty() && ::chdir(plan.folder.c_str()) != 0) {
            std::fprintf(stderr, "portguard: %s cannot be entered; PROGRAM runs elsewhere\n",
                         plan.folder.c_str());
        }
        become_program(program);
    } catch (const Refusal& refusal) {
        std::fprintf(stderr, "portguard: %s\n", refusal.what());
        ::_exit(static_cast<int>(refusal.code()));
    }
}

/// Waits, and ends what has not ended at the limit: first by asking.
void wait_for_end(pid_t pid, std::chrono::milliseconds limit, ProgramOutcome& outcome) {
    constexpr int grace_ms = 2000;
    const Syscalls syscalls;
    const ScopedFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)), syscalls);
    const auto has_ended = [&process](int timeout_ms) {
        pollfd ended{process.get(), POLLIN, 0};
        return ::poll(&ended, 1, timeout_ms) > 0;
    };
    if (process.valid() && !has_ended(static_cast<int>(limit.count()))) {
        outcome.was_ended = true;
        ::kill(pid, SIGTERM);
        if (!has_ended(grace_ms)) {
            ::kill(pid, SIGKILL);
        }
    }
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    outcome.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    outcome.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

void read_log(const Scene& scene, const std::string& log, ProgramOutcome& outcome) {
    if (!std::filesystem::exists(log)) {
        return;
    }
    static_cast<void>(read_event_logs(std::array{log}, [&](const LoggedEvent& logged) {
        const EventRecord& event = logged.record;
        const bool is_first_failure =
            !outcome.failed_on_port() && event.asked.port == scene.asked.local.endpoint.port;
        if (!is_first_failure || (!outcome.event.empty() && !event.error.has_value())) {
            return;
        }
        outcome.event = event_name(event.kind);
        outcome.call = call_name(event.call);
        outcome.error = event.error.has_value() ? describe_errno(*event.error) : "";
        outcome.cause = event.cause;
    }));
}

} // namespace

ProgramOutcome run_program(const Scene& scene, Fix fix, const ProgramPlan& plan, bool other_users) {
    const LogFolder folder(scene, other_users);
    const GuardedProgram program = guarded(scene, fix, plan, folder.log());
    const pid_t pid = ::fork();
    if (pid < 0) {
        throw Refusal(ExitCode::findings, "PROGRAM cannot be started (" + describe_errno(errno) + ")");
    }
    if (pid == 0) {
        become_asking(scene, plan, program, other_users);
    }
    ProgramOutcome outcome;
    wait_for_end(pid, plan.limit, outcome);
    read_log(scene, folder.log(), outcome);
    return outcome;
}

} // namespace portguard::tools
