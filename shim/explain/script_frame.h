// A call in a script, as its interpreter knows it.
#pragma once

#include <string>

namespace portguard {

struct ScriptFrame {
    /// "Server.start"; "<module>": Python's own name for what stands outside every function. Empty: it has
    /// none.
    std::string function;
    /// As the interpreter has it: an absolute path, one relative to the folder of the start, or "<string>".
    std::string file;
    /// 0: not known.
    int line = 0;
};

/// "Server.start at server.py:20"; of a long path only the end. What another program has a say in is as it
/// is.
std::string describe(const ScriptFrame& frame);

} // namespace portguard
