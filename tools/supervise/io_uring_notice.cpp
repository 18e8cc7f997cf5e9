#include "tools/supervise/io_uring_notice.h"

#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include "kernel/log_writer.h"
#include "preload/guard.h"
#include "preload/standard_error.h"
#include "tools/supervise/current_caller.h"

namespace portguard::tools {

void tell_io_uring(const Caller& caller) {
    const Config& config = guard::config();
    if (config.level != Level::info || writes_json(config)) {
        return;
    }
    const pid_t pid = caller.pid();
    const std::string line = "portguard: " + caller.program_name() + "[" + std::to_string(pid) +
                             "]: uses io_uring, by which bind, listen and connect pass the guard; "
                             "--no-io-uring forbids it\n";
    const ServedCaller served(caller, STDERR_FILENO, SocketAsked::its_own);
    const pid_t child = ::fork();
    if (child == 0) {
        log_writer::write(config, pid, standard_error::is_ours(), Level::info, line);
        ::_exit(0);
    }
    if (child > 0) {
        ::waitpid(child, nullptr, 0);
    }
}

} // namespace portguard::tools
