// The one line that is told where nothing can be executed, is not wanted, or was killed: made of what the
// process knows by itself. Raw system calls and fixed memory. What no log takes is counted
// (preload/lost_events.h).
#pragma once

#include "preload/job.h"

namespace portguard::plain_report {

/// One line where `log` says, as `format` says, and one of JSON to the file of `record`. For the child.
void tell(const Job& job, bool stderr_is_ours);

/// The same, by write(2) alone where the log is stderr: for a child whose forerunner did not survive its
/// system calls. It may wait for a reader, until its alarm ends it.
void tell_by_write(const Job& job);

/// The same as tell() in the program itself, where no child could be had. Asynchronous signals are blocked:
/// what a write raises is taken back.
void tell_in_host(const Job& job);

} // namespace portguard::plain_report
