// What is found out about the sockets in the way, beside what HolderReport has.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "explain/evidence.h"
#include "explain/manager.h"
#include "explain/remembered.h"
#include "explain/rights.h"
#include "kernel/deadline.h"
#include "kernel/opener.h"
#include "kernel/overlap.h"

namespace portguard {

struct Facts;

/// Of the holder with the same index.
struct HolderFacts {
    /// By the kernel's rule (conflict.h); nothing: a flag could not be read.
    std::optional<bool> conflicts;
    /// Asked of connections, the first of them.
    Opener opener = Opener::unknown;
    /// SO_REUSEADDR could be set on it (K4): what `portguard rescue` would find.
    Permission flagging = Permission::never;
    /// Where the port was taken, if that was remembered.
    std::optional<RememberedCall> taken;
};

/// Of the process that has the decisive holder, the parent where several share it.
struct OwnerFacts {
    std::string exe;
    Manager manager;
    /// It imports listen(2), itself or by a library of it. Nothing: not asked, or it cannot be told.
    std::optional<bool> calls_listen;
    /// Of process 1 where that is systemd: the units with a socket on the port.
    std::vector<std::string> socket_units;
    /// Interfaces whose tunnels the kernel itself has a UDP socket for, where no process has the port:
    /// "vxlan0 (vxlan)".
    std::vector<std::string> tunnels;
    /// Of all processes with a socket that is in the way: kill(2) would be allowed, and one of them would go
    /// on after a SIGTERM.
    bool may_be_stopped = true;
    bool outlives_sigterm = false;
};

/// Fills Facts::about, decisive, owner, peer_listens and ports_listened_on from Facts::holders.
void gather_holder_facts(Facts& facts, const Deadline& deadline);

/// One of this network namespace's own.
bool is_local_address(const Endpoint& endpoint);

} // namespace portguard
