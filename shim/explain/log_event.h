// Where reports go: spdlog loggers whose sinks write as the guard itself does.
#pragma once

#include <span>
#include <string_view>

#include "core/snapshot.h"
#include "kernel/log_writer.h"

namespace portguard {

/// Writes `text` and a newline as one block to the log of snapshot.config, unless `level` is below its own.
/// False: it was lost. In the journal `fields` stand beside it.
bool log_event(const Snapshot& snapshot, Level level, std::string_view text,
               std::span<const log_writer::Field> fields = {});

/// The same to the file of `record`.
bool record_event(const Snapshot& snapshot, Level level, std::string_view text);

} // namespace portguard
