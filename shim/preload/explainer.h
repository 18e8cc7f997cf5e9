// Starting `portguard-explain` on what a call left behind. For the child.
#pragma once

#include "preload/job.h"

namespace portguard {

/// Writes the snapshot, executes the helper, and waits for it within budget_ms. True: it has told the event,
/// or found that there is nothing to tell. False: Job::why_plain says why not. The descriptors are those of
/// core/snapshot.h from here on.
bool explain(Job& job, Workspace& workspace, bool stderr_is_ours);

} // namespace portguard
