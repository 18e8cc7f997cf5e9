// Function names from an ELF file's symbol tables, by pread(2): a file that shrinks under a mapping would
// raise SIGBUS in the program.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace portguard {

struct ElfSymbols {
    /// One for each address asked for; empty where no symbol covers it. Demangled.
    std::vector<std::string> names;
    /// The file has .debug_info.
    bool has_debug_info = false;
};

/// `addresses` are the file's own (load base taken off). Where the file's build-id is another than `build_id`
/// (the file was replaced under the running program) nothing is found. Takes any file.
ElfSymbols read_symbols(int fd, const std::string& build_id, std::span<const std::uint64_t> addresses);

/// A C++ name as it is written; others as they are.
std::string demangled(const std::string& name);

} // namespace portguard
