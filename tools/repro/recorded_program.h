// The program that asked, as far as an event tells of it, and what the guard is told in one that stands for
// it. Pure.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tools/repro/fix.h"

namespace portguard::tools {

/// Its words, to be started here; empty: the event has none that can be. `is_here`: there is such a file.
std::vector<std::string> recorded_program(const EventRecord& event,
                                          const std::function<bool(const std::string&)>& is_here);

/// For its environment. `log`: a path.
std::map<std::string, std::string> guard_variables(const Scene& scene, Fix fix, const std::string& log);

} // namespace portguard::tools
