// The journal since it was left, by its cursor.
#pragma once

#include <string>
#include <vector>

#include "tools/metrics/metrics_state.h"

namespace portguard::tools {

/// Counts what has come since. False: not all could be read, and `complaints` has one sentence more. Throws
/// Refusal where there is no journalctl.
bool read_journal(JournalPosition& position, EventCounts& counts, std::vector<std::string>& complaints);

} // namespace portguard::tools
