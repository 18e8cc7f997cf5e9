// What the kernel reads from the first line of a script (fs/binfmt_script.c). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace portguard::tools {

struct Shebang {
    std::string interpreter;
    /// All that follows: the kernel passes it as one word.
    std::string argument;
};

/// Null: no script.
std::optional<Shebang> read_shebang(std::string_view text);

} // namespace portguard::tools
