// A stack as lines for people: the script's own frames in place of its interpreter's.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "explain/script_frame.h"
#include "explain/stack_frame.h"

namespace portguard {

struct StackLines {
    /// Innermost first.
    std::vector<std::string> lines;
    /// What else there is: "3 more of the script, 14 frames of python3.11 and libc.so.6"; empty: nothing.
    std::string folded;
};

/// With a script: frames of libraries that its interpreter called, down to the interpreter's own, and the
/// script's. Without: `frames`, to main; of a Go program those that begin below its library's own way to the
/// kernel. Of either at most `most`. What another program has a say in is as it is.
StackLines stack_lines(const std::vector<Frame>& frames, const std::vector<ScriptFrame>& script,
                       std::size_t most);

/// All of `frames` to main, which starts every program and is called by the same few.
std::vector<std::string> every_line(const std::vector<Frame>& frames);

} // namespace portguard
