// A command line given as one text: to `sh -c`, or to `env -S`. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portguard::tools {

/// The words of one simple command. Null: the shell would do more with it than split and unquote.
std::optional<std::vector<std::string>> words_of_simple_command(std::string_view text);

/// Null: env(1) would replace more in it than quotes.
std::optional<std::vector<std::string>> words_of_split_string(std::string_view text);

} // namespace portguard::tools
