// The one way out of the module: a spdlog logger whose sink is the preloaded object's writer.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/config.h"
#include "core/event.h"

namespace portguard {

using EmitFunction = void (*)(const char* text, std::size_t length);

/// Writes `text` and a newline as one block, unless `kind` is below `least`.
void log_event(EmitFunction emit, Level least, EventKind kind, std::string_view text);

} // namespace portguard
