// What is logged of io_uring, where nobody else says it at the tree's end.
#pragma once

#include "tools/supervise/caller.h"

namespace portguard::tools {

/// One line, where `log` is for people: `caller` has asked for the tree's first ring.
void tell_io_uring(const Caller& caller);

} // namespace portguard::tools
