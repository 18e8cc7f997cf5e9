// What `portguard repro` says of its replays.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tools/common/terminal_width.h"
#include "tools/events/event_log.h"
#include "tools/repro/replay.h"

namespace portguard::tools {

struct ReproReport {
    const LoggedEvent& event;
    const Scene& scene;
    /// The first one is without a fix.
    std::vector<Replay> replays;
    /// PROGRAM and its arguments; empty: the probe alone.
    std::string program;
    bool with_shim = true;

    /// The kernel and the diagnosis said to the probe what the event says.
    [[nodiscard]] bool probe_agrees() const;
    /// And PROGRAM has met the same, as far as the guard was in it to tell.
    [[nodiscard]] bool is_reproduced() const;
};

/// For a terminal of `width` columns.
std::string repro_text(const ReproReport& report, std::size_t width = unlimited_width);
/// One line.
std::string repro_json(const ReproReport& report);

} // namespace portguard::tools
