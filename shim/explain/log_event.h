// Where reports go: spdlog loggers whose sinks write as the guard itself does.
#pragma once

#include <string_view>

#include "core/snapshot.h"

namespace portguard {

/// Writes `text` and a newline as one block to the log of snapshot.config, unless `level` is below its own.
/// False: it was lost. In the journal `json` stands beside it, unless it is empty.
bool log_event(const Snapshot& snapshot, Level level, std::string_view text, std::string_view json = {});

/// The same to the file of `record`.
bool record_event(const Snapshot& snapshot, Level level, std::string_view text);

} // namespace portguard
