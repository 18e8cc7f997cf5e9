#include "tools/hold/keeper.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <string>

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

[[noreturn]] void refuse(const char* what) {
    throw Refusal(ExitCode::failure, std::string("the hold cannot be kept beside PROGRAM: ") + what + ": " +
                                         std::strerror(errno));
}

/// What a service manager or a terminal says to the whole group is meant for the program; the keeper goes
/// with it.
void ignore_signals() {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP}) {
        ::signal(signal, SIG_IGN);
    }
}

/// A reader of the program's output waits for its end, not for the keeper's.
void leave_streams() {
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    ::dup2(null, STDIN_FILENO);
    ::dup2(null, STDOUT_FILENO);
}

[[noreturn]] void keep_until_end(const std::function<void(int)>& keep, int program_ended) {
    ignore_signals();
    leave_streams();
    ::setsid();
    try {
        keep(program_ended);
    } catch (const std::exception& error) {
        const std::string line = std::string("portguard: ") + error.what() + "\n";
        static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size()));
    }
    ::_exit(0);
}

} // namespace

void start_keeper(const std::function<void(int program_ended)>& keep) {
    const int program_ended = static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0));
    if (program_ended < 0) {
        refuse("pidfd_open");
    }
    const pid_t child = ::fork();
    if (child < 0) {
        refuse("fork");
    }
    if (child == 0) {
        // Twice, so that the keeper is init's child.
        const pid_t grandchild = ::fork();
        if (grandchild == 0) {
            keep_until_end(keep, program_ended);
        }
        ::_exit(grandchild < 0 ? 1 : 0);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (status != 0) {
        errno = EAGAIN;
        refuse("fork");
    }
}

} // namespace portguard::tools
