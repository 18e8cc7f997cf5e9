// The answer of `portguard rescue`, and its form for machines.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kernel/holders.h"
#include "tools/common/asked_port.h"
#include "tools/common/json_output.h"
#include "tools/rescue/rescue_sockets.h"

namespace portguard::tools {

struct RescueResult {
    bool dry_run = false;
    HolderReport report;
    std::vector<RescuedSocket> rescued;
    /// What a bind with SO_REUSEADDR says now; 0: it goes through; nothing: not known.
    std::optional<int> bind_error;
    /// A listener with SO_REUSEADDR is let in, or would be; null: not known, or refused for another reason.
    std::optional<bool> bindable;
};

/// One line.
std::string rescue_json(const AskedPort& asked, const RescueResult& result);

} // namespace portguard::tools
