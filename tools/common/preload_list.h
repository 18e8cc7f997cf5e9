// LD_PRELOAD: where the shim lies, and in which order it stands among others.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/common/elf_file.h"

namespace portguard::tools {

inline constexpr const char* preload_variable = "LD_PRELOAD";
inline constexpr std::string_view shim_name = "libportguard.so";

/// The absolute path of libportguard.so as this command was built or installed with it. Throws Refusal where
/// it is missing, or LD_PRELOAD cannot express its path.
std::string find_shim();

/// The same for programs of i386 on an x86-64 host; empty: none is installed.
std::string find_i386_shim();
bool has_i386_shim_for(const ElfFile& program);

/// What LD_PRELOAD is to name for `program`. By $LIB where its loader knows that, so that each program below
/// it is given the library of its own word size.
std::string preload_entry_for(const ElfFile& program);

/// `existing` with `shim` before its entries, but after the sanitizer run-times among them and among `needed`
/// (sonames that program or shim need): ASan refuses to start where it is not the first object.
std::string preload_list(const std::string& shim, std::string_view existing,
                         const std::vector<std::string>& needed);

} // namespace portguard::tools
