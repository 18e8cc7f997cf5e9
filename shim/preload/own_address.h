// Whether an address is one of this host's own.
#pragma once

#include "core/endpoint.h"

namespace portguard {

/// An internet address but loopback and wildcard. Asked of the kernel once an address, and remembered: one
/// that comes to this host later is not guarded against meeting itself (K15), as without us.
bool is_own_address(const Endpoint& endpoint);

} // namespace portguard
