// `portguard ci --json`.
#pragma once

#include <string>

#include "tools/events/events_report.h"

namespace portguard::tools {

struct RunOutcome {
    /// Of wait(2).
    int wait_status = 0;
    /// Coverage::receipt().
    std::string coverage;
    std::string log;
};

/// One line: what events_json() says, and how PROGRAM ended.
std::string ci_json(const EventReport& report, const RunOutcome& outcome);

} // namespace portguard::tools
