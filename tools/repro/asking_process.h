// What a scene takes away from the process that asks.
#pragma once

#include "tools/repro/scene.h"

namespace portguard::tools {

/// User, capabilities and system calls of scene's asking process, for good. Throws Refusal.
void enter_asking_process(const Scene& scene, bool other_users);

} // namespace portguard::tools
