// A call of a stack, as a person reads it.
#pragma once

#include <cstdint>
#include <string>

namespace portguard {

struct Frame {
    /// Path of the file; empty for code that was made at run time.
    std::string module;
    /// Address in the file (what addr2line(1) takes), of the return address; in memory where there is no
    /// file.
    std::uint64_t offset = 0;
    std::string build_id;
    /// Demangled; empty: stripped.
    std::string symbol;
    /// Source; empty without debug information.
    std::string file;
    int line = 0;
    /// Of the interpreter that runs the stack's script, or of a library that came with it.
    bool is_interpreters = false;
};

/// "main at server.cpp:20" where the source is known, else "main (server+0x1113)", "server+0x1113". What
/// another program has a say in is as it is.
std::string describe(const Frame& frame);

} // namespace portguard
