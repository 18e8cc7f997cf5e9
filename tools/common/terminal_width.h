// Lines that fit a terminal, and are whole where there is none.
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <string_view>

namespace portguard::tools {

inline constexpr std::size_t unlimited_width = std::numeric_limits<std::size_t>::max();

/// The columns of the terminal that `fd` is; unlimited_width: it is none.
std::size_t width_of_terminal(int fd);

/// `line` in `width` columns: its middle becomes an ellipsis, and with it what would be left of a number.
std::string fitted(std::string_view line, std::size_t width);
/// The same for the end of `line`.
std::string fitted_start(std::string_view line, std::size_t width);

/// A command line in `width` columns, made harmless. Left out are the program's folder, then those of the
/// arguments, then the middle between the script's name, the first word that is not an option, and the end.
std::string fitted_command(std::span<const std::string> argv, std::size_t width);

} // namespace portguard::tools
