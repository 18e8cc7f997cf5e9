// One event, found out and judged: what the renderers show.
#pragma once

#include <cstdint>
#include <vector>

#include "explain/cause.h"
#include "explain/cures.h"
#include "explain/facts.h"

namespace portguard {

struct Report {
    const Facts& facts;
    Explanation explanation;
    std::vector<Cure> cures;
    /// How often this happened since it was last shown; at least 1.
    std::uint64_t count = 1;
    /// Other reports that max_reports kept back since the last one.
    std::uint64_t kept_back = 0;

    /// All that could not be found out.
    [[nodiscard]] std::vector<std::string> missing() const;
};

} // namespace portguard
