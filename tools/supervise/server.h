// Serves the calls of a tree, by a thread per processor, until its last task has gone; and the process that
// stands by to go on if this one is killed.
#pragma once

#include "core/config.h"
#include "tools/supervise/answer.h"

namespace portguard::tools {

/// The one descriptor that a server and its standby keep, beside that of each other.
inline constexpr int kept_listener = 3;

/// Never returns. `supervision.listener` is kept_listener, and no other descriptor is open but 0 to 2.
[[noreturn]] void serve_tree(Supervision& supervision);

} // namespace portguard::tools
