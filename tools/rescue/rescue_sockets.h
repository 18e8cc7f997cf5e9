// What `portguard rescue` does to the sockets on a port.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/holders.h"

namespace portguard::tools {

struct RescueOptions {
    /// Only tell what would be done.
    bool dry_run = false;
    /// Flag listening and bound-only sockets too.
    bool listener = false;
    /// Remove TIME_WAIT.
    bool time_wait = false;
    /// Remove connections that their program has closed and the kernel still ends.
    bool orphans = false;
};

enum class RescueOutcome : std::uint8_t {
    flagged,
    would_flag,
    /// It had SO_REUSEADDR.
    shares_already,
    removed,
    would_remove,
    /// As the options have it.
    left_alone,
    failed,
};

/// "flagged", "would_flag" and so on: the words in JSON.
std::string_view outcome_name(RescueOutcome outcome);

struct RescuedSocket {
    /// Index in HolderReport::holders.
    std::size_t holder = 0;
    RescueOutcome outcome = RescueOutcome::left_alone;
    /// For left_alone and failed: why, and the way out.
    std::string reason;
};

/// One entry a holder, in their order.
std::vector<RescuedSocket> rescue_sockets(const HolderReport& report, const RescueOptions& options);

/// What was removed and is still in `now`, a later look, has not been. SOCK_DESTROY says 0 to either.
void note_what_stayed(const HolderReport& report, const HolderReport& now,
                      std::vector<RescuedSocket>& rescued);

/// With everything done that was not left alone or failed, may a listener with SO_REUSEADDR bind? The
/// forecast of a dry run.
bool leaves_port_bindable(const HolderReport& report, const std::vector<RescuedSocket>& rescued);

} // namespace portguard::tools
