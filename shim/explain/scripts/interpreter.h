// What each reader of an interpreter's tables is given, and the readers themselves: one file per interpreter.
// They read another program's memory, which may be anything: a pointer is followed only where what it leads
// to says what it is (a type's name, a length that can be), and of a version whose tables are not known there
// is no frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "explain/script_frame.h"
#include "explain/script_memory.h"
#include "explain/walk.h"

namespace portguard {

struct ScriptQuestion {
    ScriptMemory& memory;
    /// Where the program has what the interpreter's file exports by that name; 0: it exports none.
    std::function<std::uint64_t(std::string_view name)> exported;
    /// Of that file, without its folders.
    std::string_view file_name;
    /// The thread that asked.
    pid_t tid = 0;
    /// What was unwound of its stack.
    std::span<const CallAddress> calls;
    /// Most frames.
    std::size_t depth = 0;
};

using ScriptReader = std::vector<ScriptFrame>(const ScriptQuestion& question);

/// CPython 3.9 to 3.14.
ScriptReader read_python_frames;
/// Ruby 3.1, of the main Ractor.
ScriptReader read_ruby_frames;
/// HotSpot of Java 11 to 19: what is interpreted, and not compiled.
ScriptReader read_java_frames;
/// V8 of Node 18 to 20: functions that are interpreted have lines.
ScriptReader read_node_frames;

/// No name or path that is longer is one.
inline constexpr std::size_t longest_script_text = 4096;

} // namespace portguard
