// What the JSON of `portguard check` and of `portguard map` have in common. JSON is costly to compile.
#pragma once

#include <span>

#include "explain/holder_json.h"
#include "tools/check/finding.h"
#include "tools/common/json_text.h"

namespace portguard::tools {

Json json_of(const PortPlan& plan);
/// [{pid, comm, uid}].
Json json_of(const HostFacts& facts, std::span<const pid_t> pids);

} // namespace portguard::tools
