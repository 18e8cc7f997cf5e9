#include "explain/same_program.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "core/text.h"

namespace portguard {
namespace {

/// Whose file says nothing of the program. Versions follow the name: python3.11, ruby3.1, php8.2.
constexpr std::array<std::string_view, 22> interpreters{
    "python", "pypy", "node",   "ruby", "perl", "php",   "java", "bash", "dash",    "zsh",   "sh",
    "deno",   "bun",  "dotnet", "mono", "lua",  "tclsh", "beam", "erl",  "Rscript", "guile", "busybox"};

bool is_interpreter(std::string_view exe) {
    const std::string_view name = base_name(exe);
    return std::any_of(interpreters.begin(), interpreters.end(), [&](std::string_view known) {
        if (!name.starts_with(known)) {
            return false;
        }
        const std::string_view rest = name.substr(known.size());
        return rest.find_first_not_of("0123456789.-_smp") == std::string_view::npos;
    });
}

bool names_next(const std::string& argument) {
    return argument == "-m" || argument == "-c" || argument == "-e" || argument == "-jar";
}

/// What it was told to run: the first argument, or what `-m`, `-c`, `-e` and `-jar` name. Behind other
/// options nobody but the interpreter knows which argument is the script, so that all count.
std::string script_of(const std::vector<std::string>& argv) {
    std::size_t end = argv.size();
    if (argv.size() > 1 && !argv[1].starts_with('-')) {
        end = 2;
    } else if (argv.size() > 2 && names_next(argv[1])) {
        end = 3;
    }
    std::string script;
    for (std::size_t index = 1; index < end; ++index) {
        script += (script.empty() ? "" : " ") + argv[index];
    }
    return script;
}

} // namespace

std::optional<std::string> same_program(const RunningProgram& left, const RunningProgram& right) {
    if (left.exe.empty() || left.exe != right.exe) {
        return std::nullopt;
    }
    if (!is_interpreter(left.exe)) {
        return left.exe;
    }
    const std::string script = script_of(left.argv);
    if (script.empty() || script != script_of(right.argv)) {
        return std::nullopt;
    }
    return left.exe + " " + script;
}

} // namespace portguard
