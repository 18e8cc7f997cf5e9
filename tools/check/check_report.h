// The report of `portguard check`, for people and for machines.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "tools/check/finding.h"

namespace portguard::tools {

/// At most `width` columns, commands unbroken.
std::string text_report(const HostFacts& facts, const PortPlan& plan, std::span<const Finding> findings,
                        std::size_t width);

/// One object, as share/portguard/check.schema.json describes it.
std::string json_report(const HostFacts& facts, const PortPlan& plan, std::span<const Finding> findings);

} // namespace portguard::tools
