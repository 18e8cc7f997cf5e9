#include "tools/common/guarded_program.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <unistd.h>

#include "tools/common/output.h"
#include "tools/common/preload_list.h"
#include "tools/common/program_file.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

using Variables = std::map<std::string, std::string>;

Variables variables_for(const ResolvedConfig& resolved, const Reachability& program) {
    Variables variables(resolved.variables().begin(), resolved.variables().end());
    const std::string shim = find_shim();
    if (program.other_loader) {
        return variables;
    }
    std::vector<std::string> needed = program.program.needed;
    // A shim built with a sanitizer brings its run-time into every program.
    const MappedFile file(shim);
    const std::vector<std::string> shim_needs = read_elf(file.bytes()).value_or(ElfFile{}).needed;
    needed.insert(needed.end(), shim_needs.begin(), shim_needs.end());
    const char* const existing = std::getenv(preload_variable);
    variables[preload_variable] =
        preload_list(preload_entry_for(program.program), existing == nullptr ? "" : existing, needed);
    return variables;
}

} // namespace

GuardedProgram prepare_program(const ResolvedConfig& resolved, const std::vector<std::string>& words) {
    GuardedProgram program;
    program.words = words;
    if (!words.empty()) {
        program.path = find_program(words.front(), search_path());
        program.reachability = judge_program(program.path, words, own_elf());
    }
    program.variables = variables_for(resolved, program.reachability);
    return program;
}

void require_reachable(const GuardedProgram& program) {
    if (!program.reachability.obstacle.empty()) {
        throw Refusal(ExitCode::unreachable,
                      program.reachability.obstacle + ", or add --anyway to start it unguarded");
    }
}

void become_program(const GuardedProgram& program) {
    for (const auto& [name, value] : program.variables) {
        ::setenv(name.c_str(), value.c_str(), 1);
    }
    std::vector<char*> arguments;
    for (const std::string& word : program.words) {
        arguments.push_back(const_cast<char*>(word.c_str()));
    }
    arguments.push_back(nullptr);
    ::execvp(program.path.c_str(), arguments.data());
    const int error = errno;
    // The file was there a moment ago, so what is missing is what it names.
    const std::string reason =
        error == ENOENT ? "the interpreter or loader that it names does not exist" : std::strerror(error);
    throw Refusal(ExitCode::not_executable, "'" + shown(program.path) + "' cannot be executed: " + reason +
                                                "; it would not start without the guard");
}

} // namespace portguard::tools
