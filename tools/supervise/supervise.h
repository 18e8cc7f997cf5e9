// The second front end of `portguard run`: a process beside the program answers its socket, bind and listen.
#pragma once

#include <string>
#include <vector>

#include "core/config.h"

namespace portguard::tools {

struct SupervisorStart {
    /// What does not hold, a sentence each, for people.
    std::vector<std::string> limits;
};

/// Puts the calling process, and so the program that it becomes, under a supervisor of its own. Throws
/// Refusal where that cannot be: nothing has happened then. `helper`: the path of portguard-explain.
SupervisorStart start_supervisor(const Config& config, const std::string& helper);

} // namespace portguard::tools
