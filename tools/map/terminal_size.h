// How much room there is, and what may be drawn in it.
#pragma once

#include <cstddef>

namespace portguard::tools {

struct TerminalSize {
    std::size_t columns = 80;
    /// The last line is left to the prompt.
    std::size_t lines = 23;
};

/// At most 80x24 unless `whole`; where `fd` is no terminal, 80x24 or 160x48.
TerminalSize terminal_size(int fd, bool whole);

} // namespace portguard::tools
