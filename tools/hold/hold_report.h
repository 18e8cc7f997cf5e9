// What `portguard hold` says about ports that it does not hold.
#pragma once

#include <string>
#include <vector>

#include "tools/common/asked_port.h"
#include "tools/hold/hold_sockets.h"

namespace portguard::tools {

struct UnheldPort {
    std::uint16_t port = 0;
    int error = 0;
    /// A clause with the way out, without a full stop.
    std::string reason;
    /// Somebody listens on it: it is as safe from outgoing connections as if it were held.
    bool listened_on = false;
};

/// Looks up who has them; of many the first ones alone, the others are told by their errno.
std::vector<UnheldPort> explain_unheld(const std::vector<Unheld>& unheld);

/// Empty: no port, or at most nine tenths of the range of outgoing connections are held.
std::string warn_about_range(const PortSet& held, PortRange ephemeral);

/// What a hold does not keep; `shown`: the kernel lists sockets that are only bound (probe.h).
std::string hold_limits(bool shown);

/// Of `portguard hold --state`.
std::string state_ready_json(const AskedPort& asked, const std::string& state);

/// The line "ready" or its JSON form.
std::string ready_line(const PortSet& held, const std::vector<UnheldPort>& unheld, bool json);

} // namespace portguard::tools
