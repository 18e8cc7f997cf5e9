// `portguard run`.
#include <array>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>

#include <unistd.h>

#include "tools/cli/command.h"
#include "tools/cli/resolve_config.h"
#include "tools/common/config_report.h"
#include "tools/common/explain_helper.h"
#include "tools/common/front_end.h"
#include "tools/common/guarded_program.h"
#include "tools/common/output.h"
#include "tools/common/preload_list.h"
#include "tools/common/privileges.h"
#include "tools/common/put_aside.h"
#include "tools/common/refusal.h"
#include "tools/common/writable_log.h"
#include "tools/supervise/supervise.h"

namespace portguard::tools {
namespace {

constexpr std::array parameters{
    anyway_parameter,
    Parameter{
        front_end_name, front_end_values, "preload",
        "what guards PROGRAM: a library in it, a process beside it, which reaches static and Go programs, "
        "or both; auto: the library where it can be in PROGRAM, else the process"},
    no_io_uring_parameter,
    Parameter{"print", "", "", "show configuration and environment; start nothing"},
};

using Variables = std::map<std::string, std::string>;

void add_inherited(Variables& variables) {
    for (char** entry = environ; *entry != nullptr; ++entry) {
        std::string_view value = *entry;
        const std::string_view name = next_field(value, '=');
        if (name.starts_with(environment_prefix) || name == preload_variable) {
            variables.emplace(name, value);
        }
    }
}

int print_plan(const ResolvedConfig& resolved, const GuardedProgram& program, bool supervised) {
    Variables variables = program.variables;
    add_inherited(variables);
    std::string text =
        "# configuration\n" + describe_config(resolved.draft()) +
        "\n# environment (env -i, su - and sudo start programs without it: those are unguarded)\n";
    for (const auto& [name, value] : variables) {
        text.append(name).append("=").append(shell_quoted(value)).append("\n");
    }
    if (!program.path.empty()) {
        const std::string& obstacle = program.reachability.obstacle;
        text.append("\n# program\n").append(program.path).append("\n");
        text.append(obstacle.empty() ? "" : "unguarded: " + obstacle + "\n");
        text.append(supervised ? "guarded by a supervisor beside it\n" : "");
    }
    print(text);
    return 0;
}

/// By a process beside it (supervise/supervise.h).
[[noreturn]] void run_supervised(const ResolvedConfig& resolved, const GuardedProgram& program,
                                 const SupervisorWish& wish) {
    for (const std::string& limit :
         start_supervisor(resolved.draft().config, find_explainers(), wish).limits) {
        std::fprintf(stderr, "portguard: %s\n", limit.c_str());
    }
    become_program(program);
}

/// `auto` goes by what keeps the library out. A program that gains privileges by its file is not among that:
/// without CAP_SYS_ADMIN it would gain none under the supervisor either.
FrontEnd choose_front_end(const Arguments& arguments, const GuardedProgram& program) {
    const FrontEnd front_end = front_end_of(arguments, FrontEnd::library);
    if (front_end != FrontEnd::automatic) {
        return front_end;
    }
    return !program.reachability.obstacle.empty() && privilege_gain(program.path).empty()
               ? FrontEnd::supervisor
               : FrontEnd::library;
}

/// Throws Refusal where the library cannot be in it.
void require_library(const GuardedProgram& program) {
    try {
        require_reachable(program);
    } catch (const Refusal& refusal) {
        throw Refusal(refusal.code(),
                      std::string(refusal.what()) + ", or --front-end=supervisor to guard it from outside");
    }
}

int run(const Arguments& arguments) {
    take_back();
    const ResolvedConfig resolved(arguments, environ);
    const bool print_only = arguments.has("print");
    if (arguments.program.empty() && !print_only) {
        throw Refusal(ExitCode::usage, "no PROGRAM is given; `portguard run --help` shows examples");
    }
    GuardedProgram program = prepare_program(resolved, arguments.program);
    const FrontEnd front_end = choose_front_end(arguments, program);
    const bool supervised = front_end != FrontEnd::library;
    const SupervisorWish wish{front_end == FrontEnd::both, arguments.has(no_io_uring_parameter.name),
                              nullptr};
    if (wish.refuses_io_uring && !supervised) {
        throw Refusal(ExitCode::usage, "--no-io-uring: a library cannot forbid it; add --front-end=both");
    }
    if (supervised) {
        // It needs no loader.
        program.reachability.obstacle.clear();
    } else if (!arguments.has(anyway_parameter.name)) {
        require_library(program);
    }
    if (front_end == FrontEnd::supervisor) {
        program.variables.erase(preload_variable);
    }
    if (print_only) {
        return print_plan(resolved, program, supervised);
    }
    require_writable_logs(resolved.draft());
    if (supervised) {
        run_supervised(resolved, program, wish);
    }
    become_program(program);
}

} // namespace

const Command run_command{
    .name = "run",
    .summary = "runs PROGRAM under the guard: same pid, signals and exit status",
    .description = R"(
Checks the configuration, puts the guard into LD_PRELOAD and becomes PROGRAM. What PROGRAM starts is guarded
too. Without an option nothing is refused: TIME_WAIT no longer blocks a restart, and what fails is explained. A
program that is started without the environment (env -i, su -, sudo) is unguarded: put `portguard run` behind these.

A --log or --record on the command line has to name a file that can be written to when PROGRAM starts.

Below `portguard ci`, a run does what it does without it: the mode=observe and log=none of ci are not
inherited, the options that were given to ci are. Its events go where it says, and into the report of ci.

--front-end=supervisor starts no library but a process beside PROGRAM, which answers its socket, bind and listen
by a seccomp filter and reaches what the library does not: static programs, Go, calls past libc, children without
the environment. Connections are kept in `ephemeral` by the socket, where Linux has IP_LOCAL_PORT_RANGE (6.3).
--front-end=auto takes it where the library cannot be in PROGRAM. --front-end=both starts both: what the library has
judged passes the filter, and the process answers the rest. Without CAP_SYS_ADMIN it needs no_new_privs, under which
sudo and other set-user-ID programs gain nothing. Calls of io_uring pass: the first ring is logged, and --no-io-uring
lets io_uring_setup fail with ENOSYS.

Behind nohup, timeout, env, nice, ionice, setsid, stdbuf, chrt, taskset and `sh -c` with a simple command, the
program there is the one that is judged. `portguard ci` counts the programs that are unguarded.
)",
    .exit_status = R"(
2    the command line or the configuration is wrong
3    the guard cannot be in PROGRAM (static, Go, set-user-ID, another platform or libc, no environment)
126  PROGRAM cannot be executed
127  PROGRAM is not found
else that of PROGRAM
)",
    .examples = R"(
portguard run --listen=5000-14999 --ephemeral=15000-65000 -- nginx
portguard run --mode=observe --log=file:ports.log -- make test
portguard run --front-end=supervisor --listen=2379,2380 -- etcd
portguard run --listen=80,443 --print
)",
    .takes_program = true,
    .guard = GuardOptions::all,
    .own = parameters,
    .run = run,
};

} // namespace portguard::tools
