// When which port was asked for in vain: a picture for the HTML page.
#pragma once

#include <string>
#include <vector>

#include "tools/events/folding.h"

namespace portguard::tools {

/// An SVG element: a row a port, a mark where something happened, which leads to the failure with the id
/// "f1", "f2" and so on, if it is one of the first `linked`. Empty where no log names a time.
std::string timeline_svg(const std::vector<Failure>& failures, std::size_t linked);

} // namespace portguard::tools
