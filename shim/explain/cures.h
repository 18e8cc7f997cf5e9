// What helps against a cause. Pure.
#pragma once

#include <string>
#include <vector>

#include "explain/cause.h"
#include "explain/cure_list.h"

namespace portguard {

/// Only what applies to these facts and to this user's rights ("sudo" stands before what needs root).
std::vector<Cure> cures_for(const Facts& facts, const Explanation& explanation);

/// One of them is another port, and says which if Facts::free_port does.
bool names_free_port(const Facts& facts, const Explanation& explanation);

} // namespace portguard
