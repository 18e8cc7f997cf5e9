// .eh_frame and .debug_frame without an index: the records that say how to undo one function's frame (DWARF
// 5, 6.4; Linux Standard Base, "Exception Frames").
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace portguard {

struct FrameSection {
    std::span<const std::byte> bytes;
    /// The address that the file gives it; 0 for .debug_frame, which is not loaded.
    std::uint64_t address = 0;
    bool is_debug_frame = false;
};

struct FrameRecord {
    /// The function's, as the file counts.
    std::uint64_t start = 0;
    std::uint64_t length = 0;
    /// Offsets in the section, of the record and of what it has in common with others.
    std::uint64_t at = 0;
    std::uint64_t common_at = 0;
};

/// The one that covers `address`, looked for from the beginning to the end.
std::optional<FrameRecord> find_frame_record(const FrameSection& section, std::uint64_t address);

/// The same two records as .eh_frame would have them, for a function that begins at `start` in memory:
/// libunwind reads those of another process in that form only. Empty: they are of a kind that no compiler
/// writes.
struct EhFrame {
    std::vector<std::byte> bytes;
    /// Of the function's record in them.
    std::size_t record_at = 0;
};
EhFrame as_eh_frame(const FrameSection& debug_frame, const FrameRecord& record, std::uint64_t start);

} // namespace portguard
