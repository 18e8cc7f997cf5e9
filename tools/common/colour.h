// --color: who decides whether text is coloured.
#pragma once

#include "tools/cli/command.h"

namespace portguard::tools {

/// For Command::own.
inline constexpr Parameter color_parameter{"color", "auto|always|never", "auto",
                                           "auto: on a terminal, if NO_COLOR is unset"};

/// For what is written to `fd`. Throws Refusal for a value that --color does not have.
bool wants_colour(const Arguments& arguments, int fd);

} // namespace portguard::tools
