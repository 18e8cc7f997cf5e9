// Writes lines where `log` says, without hurting the program: no descriptor is held, nothing blocks, nothing
// that is not ours is written into. Async-signal-safe; the caller has signals blocked (quiet_section.h).
#pragma once

#include <cstddef>
#include <string_view>

#include "core/config.h"

namespace portguard::line_writer {

/// Notes which file descriptor 2 is now: the program may re-point it at data of its own later (H08).
void remember_standard_error();

void write_to_standard_error(std::string_view lines);

/// Lines that cannot be written (full pipe, full disk, no permission) are dropped and counted; the count
/// comes with the next that can be.
void write(LogKind kind, const char* path, std::string_view lines);

} // namespace portguard::line_writer
