// The stack of the calling thread, as a person reads it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "explain/loaded_objects.h"
#include "explain/walk.h"
#include "kernel/deadline.h"
#include "kernel/syscalls.h"

namespace portguard {

struct Frame {
    /// Path of the file; empty for code that was made at run time.
    std::string module;
    /// Address in the file (what addr2line(1) takes), of the return address; in memory where there is no
    /// file.
    std::uint64_t offset = 0;
    std::string build_id;
    /// Demangled; empty: stripped.
    std::string symbol;
    /// Source; empty without debug information.
    std::string file;
    int line = 0;
};

struct Stack {
    /// Innermost first, our own left out.
    std::vector<Frame> frames;
    /// Empty, or why there are none.
    std::string unavailable;
};

/// A stack as addresses: cheap to have, and enough to tell two apart.
struct CallPath {
    /// Ours left out, innermost first.
    std::vector<CallAddress> calls;
    /// What each of them lies in.
    ObjectMap map;
    /// Empty, or why there are none.
    std::string_view unavailable;
};

/// `context`: ucontext_t of this thread inside the hook. `depth` 0: nothing is walked.
CallPath walk_stack(void* context, std::size_t depth);

/// Names are looked for until the deadline.
Stack name_stack(const CallPath& path, const Deadline& deadline, const Syscalls& syscalls);

} // namespace portguard
