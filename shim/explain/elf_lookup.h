// Where an ELF file has a name that it exports.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "explain/elf_image.h"

namespace portguard {

/// The file's own address (load base taken off) of a symbol that is defined in it, by its hash table: a few
/// bytes of the file are touched, however many symbols it has.
std::optional<std::uint64_t> find_exported(const ElfImage& file, std::string_view name);

} // namespace portguard
