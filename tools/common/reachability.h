// Will the preloaded object be loaded into a program? Where it will not, nothing at run time would tell: the
// loader is not there, skips the object or ignores LD_PRELOAD.
#pragma once

#include <string>
#include <vector>

#include "tools/common/elf_file.h"

namespace portguard::tools {

struct Reachability {
    /// Why the guard would not be in the program, with the file's name, and what may be done about it; empty:
    /// it will be.
    std::string obstacle;
    /// The program's loader is not the shim's: it would complain about the shim, or fail over it.
    bool other_loader = false;
    /// The file that the loader starts.
    ElfFile program;
};

/// The file of this command: static, and in no need of the guard. It binds to probe, and judges the programs
/// that it starts.
bool is_own_command(const std::string& path);

/// The loader and the instruction set for which this command, and so the shim, was built.
ElfFile own_elf();

/// Judges one ELF file by its headers.
Reachability judge_elf(const std::string& path, const ElfFile& file, const ElfFile& own);

/// Judges what execvp(3) of `path` with `words` would run in the end: behind a script its interpreter, behind
/// `timeout 5 PROGRAM` and its like (launchers.h) the program.
Reachability judge_program(const std::string& path, const std::vector<std::string>& words,
                           const ElfFile& own);

} // namespace portguard::tools
