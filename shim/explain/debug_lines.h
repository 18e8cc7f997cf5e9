// File and line of an address, from the DWARF of a local file: libdw, loaded when it is first of use.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernel/deadline.h"

namespace portguard {

struct SourceLine {
    /// Empty: not known.
    std::string file;
    int line = 0;
};

/// True in a program with a sanitizer's run-time from before GCC 14 and LLVM 17, which may crash where an
/// object that was loaded late has thread-local storage (github.com/google/sanitizers/issues/1322), as libdw
/// has: it is left alone there.
bool is_libdw_fatal();

/// One for each of `addresses`, which are the file's own. Nothing is found where libdw is not installed, the
/// file is too large, or time runs out. `fd` stays the caller's. Never goes to a debuginfod server (H50):
/// only this file is read.
std::vector<SourceLine> read_lines(int fd, std::span<const std::uint64_t> addresses,
                                   const Deadline& deadline);

} // namespace portguard
