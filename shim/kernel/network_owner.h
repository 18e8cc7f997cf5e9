#pragma once

namespace portguard {

/// The capabilities of this user namespace count in this network namespace (ns_capable(net->user_ns)).
bool is_network_ours();

} // namespace portguard
