// A failed call is handled by a child that shares the program's memory and has its own copy of the
// descriptors (K23): what fails, blocks or is killed there costs the program nothing but the time it waits.
#pragma once

#include "preload/job.h"

namespace portguard {

/// Runs `job` to its end: the cure, then the report or the line. What came of it stands in the job. All that
/// the program itself does is to map memory, clone and wait. Asynchronous signals are blocked by the caller.
void run_in_child(Job& job);

} // namespace portguard
