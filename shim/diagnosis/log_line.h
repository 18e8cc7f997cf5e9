// The one way out of the module: a spdlog logger whose sink is the preloaded object's writer.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/event.h"

namespace portguard {

using EmitFunction = void (*)(const char* text, std::size_t length);

/// Writes `text` and a newline as one block, at the level of the event.
void log_event(EmitFunction emit, EventKind kind, std::string_view text);

} // namespace portguard
