// The seam between the supervisor and what it shares with the preloaded object: that asks preload/asker.h,
// and is answered of the thread that is served now.
#pragma once

#include <string>

#include "core/config.h"
#include "tools/supervise/caller.h"

namespace portguard::tools {

/// Of this thread, and of the children that it makes: they share its memory.
class ServedCaller {
public:
    /// `program_fd`: the program's number for the socket.
    ServedCaller(const Caller& caller, int program_fd);
    ServedCaller(const ServedCaller&) = delete;
    ServedCaller& operator=(const ServedCaller&) = delete;
    ~ServedCaller();
};

/// What preload/guard.h has read in a program: `config` as the program would have it, without what a
/// supervisor cannot do. `helper`: the path of portguard-explain. Once, in the supervisor, before it lets go
/// of its standard error.
void set_up_guard(const Config& config, const std::string& helper);

} // namespace portguard::tools
