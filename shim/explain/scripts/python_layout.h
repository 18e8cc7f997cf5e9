// Where CPython keeps what a stack is made of: it differs with every release.
#pragma once

#include <cstdint>
#include <optional>

#include "explain/scripts/interpreter.h"

namespace portguard {

/// Offsets in bytes.
struct PythonLayout {
    /// 0x030b for 3.11.
    unsigned version = 0;
    std::uint64_t runtime_interpreters = 0;
    std::uint64_t interpreter_next = 0;
    std::uint64_t interpreter_threads = 0;
    std::uint64_t thread_next = 0;
    std::uint64_t thread_id = 0;
    /// 0: before 3.11, which does not keep it.
    std::uint64_t thread_native_id = 0;
    /// Of the pointer to the innermost frame, or in 3.11 and 3.12 to what has that pointer.
    std::uint64_t thread_frame = 0;
    std::optional<std::uint64_t> frame_in_cframe = std::nullopt;
    std::uint64_t frame_previous = 0;
    std::uint64_t frame_code = 0;
    /// A pointer into the code; before 3.11 a number.
    std::uint64_t frame_instruction = 0;
    /// 0: before 3.11, where a frame is an object.
    std::uint64_t frame_owner = 0;
    std::uint64_t code_filename = 0;
    std::uint64_t code_name = 0;
    std::uint64_t code_lines = 0;
    std::uint64_t code_first_line = 0;
    /// 0: before 3.11.
    std::uint64_t code_instructions = 0;
    /// Of the characters behind a str's head, where they are ASCII and where not.
    std::uint64_t ascii_text = 0;
    std::uint64_t other_text = 0;
};

/// Nothing: of a version that is not known.
std::optional<PythonLayout> find_python_layout(const ScriptQuestion& question, std::uint64_t runtime);

} // namespace portguard
