// `portguard run`.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>

#include <unistd.h>

#include "tools/command.h"
#include "tools/config_report.h"
#include "tools/output.h"
#include "tools/preload_list.h"
#include "tools/program_file.h"
#include "tools/reachability.h"
#include "tools/refusal.h"
#include "tools/resolve_config.h"

namespace portguard::tools {
namespace {

constexpr std::array parameters{
    Parameter{"anyway", "", "", "start the program even where the guard cannot be in it"},
    Parameter{"print", "", "", "show configuration and environment, and start nothing"},
};

constexpr const char* preload_variable = "LD_PRELOAD";

using Variables = std::map<std::string, std::string>;

/// What the program's environment has to say, besides what is there already.
Variables variables_for(const ResolvedConfig& resolved, const Reachability& program) {
    Variables variables(resolved.variables().begin(), resolved.variables().end());
    const std::string shim = find_shim();
    if (program.other_loader) {
        return variables;
    }
    std::vector<std::string> needed = program.needed;
    // A shim built with a sanitizer brings its run-time into every program.
    const MappedFile file(shim);
    const std::vector<std::string> shim_needs = read_elf(file.bytes()).value_or(ElfFile{}).needed;
    needed.insert(needed.end(), shim_needs.begin(), shim_needs.end());
    const char* const existing = std::getenv(preload_variable);
    variables[preload_variable] = preload_list(shim, existing == nullptr ? "" : existing, needed);
    return variables;
}

void add_inherited(Variables& variables) {
    for (char** entry = environ; *entry != nullptr; ++entry) {
        std::string_view value = *entry;
        const std::string_view name = next_field(value, '=');
        if (name.starts_with(environment_prefix) || name == preload_variable) {
            variables.emplace(name, value);
        }
    }
}

/// For a POSIX shell.
std::string quoted(const std::string& value) {
    std::string text = "'";
    for (const char character : value) {
        text.append(character == '\'' ? "'\\'" : "").push_back(character);
    }
    return text + "'";
}

int print_plan(const ResolvedConfig& resolved, Variables variables, const std::string& path,
               const Reachability& program) {
    add_inherited(variables);
    std::string text = "# configuration\n" + describe_config(resolved.draft()) + "\n# environment\n";
    for (const auto& [name, value] : variables) {
        text.append(name).append("=").append(quoted(value)).append("\n");
    }
    if (!path.empty()) {
        text.append("\n# program\n").append(path).append("\n");
        text.append(program.obstacle.empty() ? "" : "unguarded: " + program.obstacle + "\n");
    }
    print(text);
    return 0;
}

/// Returns only by throwing.
[[noreturn]] void start(const std::string& path, const std::vector<std::string>& words) {
    std::vector<char*> arguments;
    for (const std::string& word : words) {
        arguments.push_back(const_cast<char*>(word.c_str()));
    }
    arguments.push_back(nullptr);
    ::execvp(path.c_str(), arguments.data());
    const int error = errno;
    // The file was there a moment ago, so what is missing is what it names.
    const std::string reason =
        error == ENOENT ? "the interpreter or loader that it names does not exist" : std::strerror(error);
    throw Refusal(ExitCode::not_executable, "'" + shown(path) + "' cannot be executed: " + reason +
                                                "; it would not start without the guard");
}

int run(const Arguments& arguments) {
    const ResolvedConfig resolved(arguments, environ);
    const bool print_only = arguments.has("print");
    if (arguments.program.empty() && !print_only) {
        throw Refusal(ExitCode::usage, "no PROGRAM is given; `portguard run --help` shows examples");
    }
    std::string path;
    Reachability program;
    if (!arguments.program.empty()) {
        path = find_program(arguments.program.front());
        program = judge_program(path, own_elf());
    }
    if (!program.obstacle.empty() && !arguments.has("anyway")) {
        throw Refusal(ExitCode::unreachable, program.obstacle + ", or add --anyway to start it unguarded");
    }
    const Variables variables = variables_for(resolved, program);
    if (print_only) {
        return print_plan(resolved, variables, path, program);
    }
    for (const auto& [name, value] : variables) {
        ::setenv(name.c_str(), value.c_str(), 1);
    }
    start(path, arguments.program);
}

} // namespace

const Command run_command{
    .name = "run",
    .summary = "starts PROGRAM with the guard in it; pid, signals and exit status are the program's own",
    .description =
        "Checks the configuration, puts the guard into LD_PRELOAD and becomes PROGRAM. What PROGRAM starts "
        "is "
        "guarded too. The command line beats the environment (PORTGUARD_<NAME>), which beats the file.\n"
        "Exit status: 2 the configuration is wrong, 3 the guard cannot be in PROGRAM (statically linked, "
        "set-user-ID, built for another platform or libc), 126 PROGRAM cannot be executed, 127 there is no "
        "PROGRAM; else PROGRAM's own.",
    .examples = "    portguard run --listen=5000-14999 --ephemeral=15000-65000 nginx -g 'daemon off;'\n"
                "    portguard run --mode=observe --log=file:ports.log -- make test\n"
                "    portguard run --listen=80,443 --print\n",
    .takes_program = true,
    .own = parameters,
    .run = run,
};

} // namespace portguard::tools
