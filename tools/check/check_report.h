// The report of `portguard check`, for people and for machines.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "tools/check/survey.h"

namespace portguard::tools {

/// At most `width` columns, commands unbroken.
std::string text_report(const Survey& survey, std::size_t width);

/// One object, as share/portguard/check.schema.json describes it.
std::string json_report(const Survey& survey);

/// One line for node-problem-detector, of at most 80 characters with its end: the worst of the findings that
/// are at least `least`.
std::string problem_line(const Survey& survey, std::optional<Severity> least);

} // namespace portguard::tools
