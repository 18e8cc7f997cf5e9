// What helps against a cause. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "diagnosis/cause.h"
#include "diagnosis/text_block.h"

namespace portguard {

struct Cure {
    /// False: for now; true: for good.
    bool lasting = false;
    /// To paste into a shell; where no command can do it, what to change.
    std::string command;
};

/// Only what applies to these facts and to this user's rights ("sudo" stands before what needs root).
std::vector<Cure> cures_for(const Facts& facts, const Explanation& explanation);

/// "now      kill 42", "or       portguard rescue 80", "lasting  ...": any one of those for a while, or for
/// good, helps.
void add_cures(std::span<const Cure> cures, TextBlock& block);

} // namespace portguard
