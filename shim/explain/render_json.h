// A report for machines: schema 1 of design 3.5, examples/events/schema.json.
#pragma once

#include <string>

#include "explain/report.h"

namespace portguard {

/// One object on one line, without a newline. Bytes that are no UTF-8 become U+FFFD.
std::string render_json(const Report& report);

} // namespace portguard
