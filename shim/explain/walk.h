// The calls that led to the hook, as addresses: libunwind over another process's registers and memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "explain/program_memory.h"

namespace portguard {

struct CallAddress {
    std::uint64_t address = 0;
    /// Where the frame's code was interrupted (a signal); else `address` is a return address, and the call
    /// stands before it.
    bool exact = false;
    /// What the frame had in rbp or x29: where it begins, for code that keeps one.
    std::uint64_t frame_pointer = 0;

    /// An address inside the instruction that is meant: what symbol and line are looked up by.
    [[nodiscard]] std::uint64_t inside() const { return exact ? address : address - 1; }
};

struct Walk {
    /// Innermost first.
    std::vector<CallAddress> calls;
    /// It ended where memory of the program's was needed that is not to be had.
    bool is_cut = false;
    /// Empty, or why there is nothing.
    std::string_view unavailable;
};

/// At most `depth` calls. `registers` by DWARF number (Snapshot::registers). Whatever the bytes are, the walk
/// ends.
Walk walk_calls(ProgramMemory& memory, std::span<const std::uint64_t> registers, std::size_t depth);

} // namespace portguard
