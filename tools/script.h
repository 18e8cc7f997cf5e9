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

/// The program that `#!/usr/bin/env argument` starts, as it is to be found in PATH. Empty: cannot be told,
/// since env(1) is given options other than -S.
std::string program_of_env(std::string_view argument);

} // namespace portguard::tools
