// Text for the person at the terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace portguard::tools {

/// Somebody else's text (a path, a word of the command line), with what a terminal could act on shown as '?'.
std::string shown(std::string_view text);

/// For a POSIX shell, in single quotes.
std::string shell_quoted(std::string_view word);

/// The same, only where a shell would take it for something else.
std::string shell_word(const std::string& word);

/// Breaks at blanks, so that a terminal does not break inside a word. Each line begins with `margin`.
std::string wrapped(std::string_view words, std::string_view margin, std::size_t width);

/// "bind, listen and connect".
std::string listed(const std::vector<std::string_view>& words, std::string_view last = " and ");

/// `fd` is a terminal, and nobody has said NO_COLOR.
bool wants_colour(int fd);

/// Writes to standard output at once; throws Refusal where that fails (a full disk, a closed pipe).
void print(std::string_view text);

} // namespace portguard::tools
