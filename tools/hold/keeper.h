// A process that keeps what this one has open while this one becomes another program.
#pragma once

#include <functional>

namespace portguard::tools {

/// Forks a process that is no child of the program's (nobody's wait(2) meets it), in a session of its own and
/// with nothing of standard input and output. It has every descriptor that is open now, runs `keep` with a
/// descriptor that becomes readable once this process has ended, and ends itself then. Throws Refusal.
void start_keeper(const std::function<void(int program_ended)>& keep);

} // namespace portguard::tools
