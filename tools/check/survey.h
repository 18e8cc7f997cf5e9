// What `portguard check` has found: in one network namespace, or in all that can be entered.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "tools/check/finding.h"
#include "tools/check/namespaces.h"
#include "tools/cli/command.h"

namespace portguard::tools {

struct Surveyed {
    NetworkNamespace place = {};
    HostFacts facts = {};
    PortPlan plan = {};
    std::vector<Finding> findings = {};
};

struct Survey {
    Surveyed own;
    /// The others were looked for.
    bool has_others = false;
    std::vector<Surveyed> others;
};

/// By Severity, of all namespaces.
std::array<std::size_t, 3> sums_of(const Survey& survey);

/// Of the namespace of --netns or the caller's.
Survey survey_one(const Arguments& arguments, const Config& config, const FactsWish& wish);
/// Of the caller's, and of all others that it may enter.
Survey survey_all(const Config& config, const FactsWish& wish);

} // namespace portguard::tools
