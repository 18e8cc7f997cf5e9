// Whether `portguard rescue` would do it: asked by the report before it advises that, and by the command when
// it says why not.
#pragma once

#include <string>

#include "explain/facts.h"

namespace portguard {

struct RescueChance {
    Permission permission = Permission::never;
    /// "--time-wait", "--orphans", or both.
    std::string options;
};

/// Of all that is in the way. Permission::never where one of them would stay.
RescueChance rescue_chance(const Facts& facts);

/// Connections that have no process: their program has closed them.
bool is_orphan(const Holder& holder);

} // namespace portguard
