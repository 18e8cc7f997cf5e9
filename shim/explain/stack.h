// The stack of the thread that asked, as a person reads it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/snapshot.h"
#include "explain/program_memory.h"
#include "explain/script_frame.h"
#include "explain/stack_frame.h"
#include "explain/walk.h"
#include "kernel/deadline.h"

namespace portguard {

struct Stack {
    /// Innermost first, our own left out.
    std::vector<Frame> frames;
    /// Innermost first; empty: the program is no interpreter that is known, or its tables could not be read.
    std::vector<ScriptFrame> script;
    /// Of the script: "python".
    std::string_view language;
    /// Empty, or what of it could not be had, a clause without a full stop.
    std::string missing;
};

/// A stack as addresses: cheap to have.
struct CallPath {
    /// Ours left out, innermost first.
    std::vector<CallAddress> calls;
    /// What each of them lies in; null: code that was made at run time. The ProgramMemory's.
    std::vector<const CodeImage*> images;
    std::string_view missing;
};

/// As many frames as config.limits.stack_depth asks for.
CallPath walk_stack(const Snapshot& snapshot, ProgramMemory& memory);

/// Names are looked for until the deadline.
Stack name_stack(const CallPath& path, const Deadline& deadline);

} // namespace portguard
