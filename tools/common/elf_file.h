// What an ELF header says about the dynamic loader. Pure: bytes in, values out; whatever lies outside the
// bytes counts as absent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace portguard::tools {

using Bytes = std::span<const std::byte>;

struct ElfFile {
    std::uint8_t word_bits = 0;
    bool little_endian = true;
    /// EM_X86_64 and its like (elf.h).
    std::uint16_t machine = 0;

    /// What follows is read only where the file has the byte order of this process.
    /// PT_INTERP; empty: the kernel starts the program without a loader.
    std::string interpreter;
    std::string soname;
    std::vector<std::string> needed;
    /// Carries the build id note that the Go linker writes.
    bool is_go = false;
};

/// Null: not an ELF file.
std::optional<ElfFile> read_elf(Bytes bytes);

/// "x86-64", "i386"; "machine 243" for those without a name here.
std::string machine_name(std::uint16_t machine);

} // namespace portguard::tools
