// File and line of an address, from the DWARF of a local file.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "explain/elf_image.h"
#include "kernel/deadline.h"

namespace portguard {

struct SourceLine {
    /// Empty: not known.
    std::string file;
    int line = 0;
};

/// One for each of `addresses`, which are the file's own. Nothing is found where the file has no DWARF, is
/// too large, or time runs out. Never goes to a debuginfod server (H50): only this file is read.
std::vector<SourceLine> read_lines(const ElfImage& file, std::span<const std::uint64_t> addresses,
                                   const Deadline& deadline);

} // namespace portguard
