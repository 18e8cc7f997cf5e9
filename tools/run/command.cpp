// `portguard run`.
#include <array>
#include <cstdio>
#include <map>
#include <string>
#include <utility>

#include <unistd.h>

#include "tools/cli/command.h"
#include "tools/cli/resolve_config.h"
#include "tools/common/config_report.h"
#include "tools/common/explain_helper.h"
#include "tools/common/guarded_program.h"
#include "tools/common/output.h"
#include "tools/common/preload_list.h"
#include "tools/common/put_aside.h"
#include "tools/common/refusal.h"
#include "tools/common/writable_log.h"
#include "tools/supervise/supervise.h"

namespace portguard::tools {
namespace {

constexpr std::array parameters{
    anyway_parameter,
    Parameter{
        "front_end", "preload|supervisor", "preload",
        "what guards PROGRAM: a library in it, or a process beside it that answers its socket, bind and "
        "listen (static and Go programs)"},
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

int print_plan(const ResolvedConfig& resolved, const GuardedProgram& program) {
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
    }
    print(text);
    return 0;
}

/// By a process beside it (supervise/supervise.h), and by no library in it.
[[noreturn]] void run_supervised(const ResolvedConfig& resolved, GuardedProgram program) {
    require_writable_logs(resolved.draft());
    program.variables.erase(preload_variable);
    for (const std::string& limit : start_supervisor(resolved.draft().config, find_explainer()).limits) {
        std::fprintf(stderr, "portguard: %s\n", limit.c_str());
    }
    become_program(program);
}

bool is_supervisor_wanted(const Arguments& arguments) {
    const std::string* const front_end = arguments.value("front_end");
    if (front_end != nullptr && *front_end != "preload" && *front_end != "supervisor") {
        throw Refusal(ExitCode::usage,
                      "--front-end=" + shown(*front_end) + ": expected preload or supervisor");
    }
    return front_end != nullptr && *front_end == "supervisor";
}

int run(const Arguments& arguments) {
    take_back();
    const ResolvedConfig resolved(arguments, environ);
    const bool print_only = arguments.has("print");
    if (arguments.program.empty() && !print_only) {
        throw Refusal(ExitCode::usage, "no PROGRAM is given; `portguard run --help` shows examples");
    }
    const bool supervised = is_supervisor_wanted(arguments);
    GuardedProgram program = prepare_program(resolved, arguments.program);
    if (supervised) {
        // It needs no loader.
        program.reachability.obstacle.clear();
    } else if (!arguments.has(anyway_parameter.name)) {
        require_reachable(program);
    }
    if (print_only) {
        return print_plan(resolved, program);
    }
    if (supervised) {
        run_supervised(resolved, std::move(program));
    }
    require_writable_logs(resolved.draft());
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
portguard run --listen=80,443 --print
)",
    .takes_program = true,
    .guard = GuardOptions::all,
    .own = parameters,
    .run = run,
};

} // namespace portguard::tools
