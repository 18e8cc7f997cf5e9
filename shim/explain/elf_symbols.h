// Function names from an ELF file's symbol tables.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "explain/elf_image.h"

namespace portguard {

/// One for each of `addresses`, which are the file's own (load base taken off); empty where no symbol covers
/// it. Demangled.
std::vector<std::string> find_symbols(const ElfImage& file, std::span<const std::uint64_t> addresses);

/// A C++ name as it is written; others as they are.
std::string demangled(const std::string& name);

} // namespace portguard
