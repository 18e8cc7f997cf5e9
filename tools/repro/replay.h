// A scene made, asked and taken down again, once for each fix, each in a network of its own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/repro/call_probe.h"
#include "tools/repro/fix.h"
#include "tools/repro/program.h"

namespace portguard::tools {

struct Replay {
    Fix fix = Fix::none;
    ProbeResult probe;
    std::optional<ProgramOutcome> program;
    /// What is not as it was, each a clause without a full stop.
    std::vector<std::string> missing;
};

/// `program` null: the probe alone. `name` is what a terminal is shown meanwhile, "with the cure split (3 of
/// 4)"; empty: there is only one. What a terminal sends is PROGRAM's while that runs. Throws Refusal.
Replay replay(const Scene& recorded, Fix fix, const ProgramPlan* program, const std::string& name);

} // namespace portguard::tools
