// What does not hold under a supervisor, known before the program starts.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "core/config.h"

namespace portguard::tools {

/// What a supervisor can see of the first process; of its descendants not more, and less under Yama.
enum class Sight : char {
    whole = 'w',
    /// All but its descriptors (Docker's default filter).
    no_descriptors = 'd',
    /// What PTRACE_MODE_READ shows.
    lists = 'l',
    nothing = 'n',
};

Sight sight_of(pid_t program);

struct StartFacts {
    Sight sight = Sight::whole;
    pid_t supervisor = 0;
    bool keeps_outgoing = true;
    bool took_no_new_privs = false;
    /// The library is in the programs as well.
    bool beside_library = false;
};

/// A sentence each, for people. Asked by the program to be.
std::vector<std::string> start_limits(const Config& config, const StartFacts& facts);

} // namespace portguard::tools
