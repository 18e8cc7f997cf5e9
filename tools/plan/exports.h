// A proposal in the words of those who put it into force.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "tools/plan/proposal.h"

namespace portguard::tools {

struct Export {
    std::string_view name;
    /// Throws Refusal where the form cannot hold the proposal.
    std::string (*write)(const Proposal& proposal);
};

std::span<const Export> all_exports();

} // namespace portguard::tools
