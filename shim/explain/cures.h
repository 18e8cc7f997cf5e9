// What helps against a cause. Pure.
#pragma once

#include <string>
#include <vector>

#include "explain/cause.h"

namespace portguard {

struct Cure {
    /// False: for now; true: for good.
    bool lasting = false;
    /// To paste into a shell; where no command can do it, what to change.
    std::string command;
};

/// Only what applies to these facts and to this user's rights ("sudo" stands before what needs root).
std::vector<Cure> cures_for(const Facts& facts, const Explanation& explanation);

} // namespace portguard
