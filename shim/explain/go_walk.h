// The stack of a goroutine, by the sizes of frames in .gopclntab: most Go programs have no other table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "explain/walk.h"

namespace portguard {

/// Up to what started the goroutine. Nothing: `code` is not Go's.
std::optional<Walk> walk_goroutine(ProgramMemory& memory, std::uint64_t code, std::uint64_t stack_pointer,
                                   std::size_t depth);

} // namespace portguard
