// What helps against a finding about one port: what `portguard who` says of it, as one judgement serves both.
#pragma once

#include <string>
#include <vector>

#include "tools/check/finding.h"

namespace portguard::tools {

/// Puts them into the fix of each finding with Finding::cured_as. `inside`: Rights::inside.
void add_cures(std::vector<Finding>& findings, const Config& config, const std::string& inside);

} // namespace portguard::tools
