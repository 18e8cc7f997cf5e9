// The stack of the script that the thread runs, where its program is an interpreter that is known.
#pragma once

#include <string_view>
#include <vector>

#include "core/snapshot.h"
#include "explain/program_memory.h"
#include "explain/script_frame.h"
#include "explain/stack.h"
#include "kernel/deadline.h"

namespace portguard {

struct ScriptStack {
    /// Innermost first, as many as config.limits.stack_depth asks for; empty: none was found, or not all that
    /// a frame is made of was what it has to be.
    std::vector<ScriptFrame> frames;
    std::string_view language;
    /// Path of the interpreter's file.
    std::string_view interpreter;
};

/// Reads the program's memory as far as ScriptMemory goes; nothing of it where no known interpreter is among
/// what was called.
ScriptStack read_script(const Snapshot& snapshot, const CallPath& path, ProgramMemory& memory,
                        const Deadline& deadline);

/// Into the stack of the same CallPath, whose frames are marked.
void add_script(const ScriptStack& script, Stack& stack);

} // namespace portguard
