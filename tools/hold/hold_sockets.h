// The sockets of `portguard hold`: bound, never listening, tagged (kernel/sock_diag.h). One a port.
#pragma once

#include <cstdint>
#include <vector>

#include <sys/resource.h>

#include "core/port_set.h"

namespace portguard::tools {

struct Unheld {
    std::uint16_t port = 0;
    /// errno of socket(2) or bind(2).
    int error = 0;
};

/// Closes nothing: the sockets live as long as the process, or until an exec.
class HoldSockets {
public:
    /// Tries every port of `ports` that is not held yet.
    void hold(const PortSet& ports);

    [[nodiscard]] const PortSet& held() const { return held_; }
    [[nodiscard]] std::uint32_t held_count() const { return held_.count({1, 65535}); }
    /// As of the last hold().
    [[nodiscard]] const std::vector<Unheld>& unheld() const { return unheld_; }

private:
    PortSet held_;
    std::vector<Unheld> unheld_;
};

/// Raises the soft limit of descriptors, so that `count` sockets fit; returns what it was. Throws Refusal
/// where the hard one is too low.
rlimit make_room_for(std::uint32_t count);

} // namespace portguard::tools
