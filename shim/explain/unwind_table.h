// Where libunwind finds how to undo the frame of the function at an address: a sorted table of functions
// (.eh_frame_hdr), or one of a single entry that is made up where the file has no such table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "explain/program_memory.h"

namespace portguard {

struct UnwindTable {
    /// Entries are two 32-bit numbers, a function's address and its record's, counted from here.
    std::uint64_t origin = 0;
    std::uint64_t entries_at = 0;
    std::uint64_t entries = 0;
    /// Bytes that the program's memory is to be taken to have at `entries_at`; empty: it has them.
    std::vector<std::byte> made_up;
};

/// .eh_frame_hdr, whether or not it has the function.
std::optional<UnwindTable> find_sorted_table(const CodeImage& image, ProgramMemory& memory);

/// From .eh_frame or .debug_frame, read from their beginning: for the function at `address`.
std::optional<UnwindTable> make_table(const CodeImage& image, std::uint64_t address);

} // namespace portguard
