// The cure of design 3.2: bind or listen once more with SO_REUSEADDR, where only TIME_WAIT sockets and
// outgoing connections are in the way. For the child: raw system calls, fixed memory.
#pragma once

#include <cstddef>
#include <span>

#include "preload/job.h"

namespace portguard {

/// bind or listen said EADDRINUSE. `answers` is for what the kernel says (32 KiB). False: the call stays
/// refused, and the socket is as the program made it.
bool try_cure(Job& job, std::span<std::byte> answers);

/// Another look, at all that overlaps, into Job::seen; where that is there already, or cannot be, none.
void look_for_helper(Job& job, std::span<std::byte> answers);

} // namespace portguard
