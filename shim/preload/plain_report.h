// The one line that is told where nothing can be executed, is not wanted, or was killed: made of what the
// process knows by itself. Raw system calls and fixed memory.
#pragma once

#include "preload/job.h"

namespace portguard::plain_report {

/// One line where `log` says, as `format` says, and one of JSON to the file of `record`. For the child.
/// False: it could not be written, and is counted.
bool tell(const Job& job, bool stderr_is_ours);

/// The same in the program itself, where the child could not be had. Asynchronous signals are blocked: what a
/// write raises is taken back.
void tell_in_host(const Job& job);

} // namespace portguard::plain_report
