// Where a frame begins whose code finds it by a register that is not known: /proc shows of a thread in a
// system call the stack pointer and the program counter only.
#pragma once

#include <cstdint>
#include <optional>

#include "explain/program_memory.h"

namespace portguard {

/// What rbp is in the function that begins at `function`, where it has its frame from `stack_pointer` on:
/// above the two words that a call and the saved register have left, of which the former is known by the
/// instruction before it. It calls this very function, so that no stale frame is taken for one. Nothing: it
/// was called by pointer, or through another file.
std::optional<std::uint64_t> seek_frame_pointer(ProgramMemory& memory, std::uint64_t stack_pointer,
                                                std::uint64_t function);

} // namespace portguard
