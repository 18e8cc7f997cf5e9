// --follow: events as they are written.
#pragma once

#include <memory>
#include <vector>

#include "tools/events/event_log.h"

namespace portguard::tools {

/// Reads on until no log can have any more: for ever, where one is a file. A file that is renamed or emptied
/// is taken up again under its name.
void follow_logs(const std::vector<std::unique_ptr<LogReader>>& logs);

} // namespace portguard::tools
