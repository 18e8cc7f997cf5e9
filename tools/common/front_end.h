// What guards the programs of `run` and `ci`: the library in them, a supervisor beside them, or both.
#pragma once

#include <cstdint>

#include "tools/cli/command.h"

namespace portguard::tools {

enum class FrontEnd : std::uint8_t { automatic, library, supervisor, both };

inline constexpr std::string_view front_end_name = "front_end";
inline constexpr std::string_view front_end_values = "auto|preload|supervisor|both";

/// For Command::own.
inline constexpr Parameter no_io_uring_parameter{"no_io_uring", "", "",
                                                 "refuse io_uring_setup(2): its calls pass unguarded"};

/// As --front-end says, else `fallback`. Throws Refusal.
FrontEnd front_end_of(const Arguments& arguments, FrontEnd fallback);

} // namespace portguard::tools
