// Whether `portguard rescue` would do it: asked by the report before it advises that, and by the command when
// it says why not.
#pragma once

#include <string>

#include "explain/facts.h"

namespace portguard {

struct RescueChance {
    Permission permission = Permission::never;
    /// "--time-wait", "--orphans", or both.
    std::string options;
};

/// Of all that is in the way. Permission::never where one of them would stay.
RescueChance rescue_chance(const Facts& facts);

/// The kernel would set SO_REUSEADDR on it: not on MPTCP once it is connected (K2).
bool takes_reuseaddr(bool is_mptcp, SocketState state);

/// SOCK_DESTROY ends an orphan: before 6.12, tcp_abort() empties its send queue and leaves the rest to timers
/// that find nothing to send, so that the socket stays for ever. One in FIN_WAIT2 of which only a TIME_WAIT
/// is left, whose timer is shown, is forgotten as such (destroys_time_wait()).
bool can_orphan_be_removed(const DiagSocket& socket);

/// Connections that have no process: their program has closed them.
bool is_orphan(const Holder& holder);

} // namespace portguard
