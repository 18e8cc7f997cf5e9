// Programs that start another one in their place or below them: which one, by their words. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portguard::tools {

using Words = std::vector<std::string>;

struct Launch {
    /// The other program and its arguments; empty: there is none, or it cannot be told.
    Words words;
    /// The PATH in which it is found, where the launcher changes it.
    std::optional<std::string> path;
    /// It is started without the LD_PRELOAD that the launcher had.
    bool drops_preload = false;
};

/// `name` is the launcher's file name, `words` its command line. What is no launcher launches nothing.
Launch launch_of(std::string_view name, const Words& words);

} // namespace portguard::tools
