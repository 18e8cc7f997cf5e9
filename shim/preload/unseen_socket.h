// A socket that is only bound, on kernels that show none. For the child: raw system calls, fixed memory.
#pragma once

#include "kernel/overlap.h"

namespace portguard {

/// Before Linux 6.8 a socket that is bound and neither listens nor is connected is in no list (K13), and with
/// SO_REUSEADDR a bind succeeds beside one that has the flag too: of the two listeners, one is then refused.
/// True: another socket has the port on every address, found by a bind to one of nobody's. What has it on one
/// address only is not found: what is left of its connections is in the way of such a bind as well.
bool is_bound_unseen(const AskedAddress& asked);

} // namespace portguard
