// `portguard run`.
#include <array>
#include <map>
#include <string>

#include <unistd.h>

#include "tools/cli/command.h"
#include "tools/cli/resolve_config.h"
#include "tools/common/config_report.h"
#include "tools/common/guarded_program.h"
#include "tools/common/output.h"
#include "tools/common/preload_list.h"
#include "tools/common/put_aside.h"
#include "tools/common/refusal.h"
#include "tools/common/writable_log.h"

namespace portguard::tools {
namespace {

constexpr std::array parameters{
    anyway_parameter,
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

int run(const Arguments& arguments) {
    take_back();
    const ResolvedConfig resolved(arguments, environ);
    const bool print_only = arguments.has("print");
    if (arguments.program.empty() && !print_only) {
        throw Refusal(ExitCode::usage, "no PROGRAM is given; `portguard run --help` shows examples");
    }
    const GuardedProgram program = prepare_program(resolved, arguments.program);
    if (!arguments.has(anyway_parameter.name)) {
        require_reachable(program);
    }
    if (print_only) {
        return print_plan(resolved, program);
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
