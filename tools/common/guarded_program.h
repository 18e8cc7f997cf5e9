// A program about to be started with the guard in it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tools/cli/command.h"
#include "tools/cli/resolve_config.h"
#include "tools/common/reachability.h"

namespace portguard::tools {

/// For Command::own.
inline constexpr Parameter anyway_parameter{"anyway", "", "",
                                            "start PROGRAM even where the guard cannot be in it"};

struct GuardedProgram {
    /// The file to execute; empty: no program was named.
    std::string path;
    std::vector<std::string> words;
    Reachability reachability;
    /// What its environment has to say, besides what is there already.
    std::map<std::string, std::string> variables;
};

/// Finds the program named by `words` and judges it. Throws Refusal.
GuardedProgram prepare_program(const ResolvedConfig& resolved, const std::vector<std::string>& words);

/// Throws Refusal where the guard cannot be in it.
void require_reachable(const GuardedProgram& program);

/// Becomes the program; returns only by throwing Refusal.
[[noreturn]] void become_program(const GuardedProgram& program);

} // namespace portguard::tools
