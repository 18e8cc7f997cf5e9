// The answer to node-problem-detector
// (https://github.com/kubernetes/node-problem-detector/blob/master/docs/custom_plugin_monitor.md).
#include "tools/check/check_report.h"
#include "tools/common/port_text.h"

namespace portguard::tools {
namespace {

/// What its own configuration takes by default (max_output_length), with the end of the line.
constexpr std::size_t longest_line = 80;

std::string cut(std::string text) {
    constexpr std::string_view mark = "...";
    if (text.size() >= longest_line) {
        text.resize(longest_line - 1 - mark.size());
        text += mark;
    }
    return text + "\n";
}

const Finding* worst_of(const Survey& survey) {
    const Finding* worst = survey.own.findings.empty() ? nullptr : &survey.own.findings.front();
    for (const Surveyed& other : survey.others) {
        // Errors come first in each.
        if (!other.findings.empty() &&
            (worst == nullptr || other.findings.front().severity > worst->severity)) {
            worst = &other.findings.front();
        }
    }
    return worst;
}

} // namespace

std::string problem_line(const Survey& survey, std::optional<Severity> least) {
    const auto sums = sums_of(survey);
    const Finding* const worst = worst_of(survey);
    const bool is_problem = worst != nullptr && least.has_value() && worst->severity >= *least;
    if (!is_problem) {
        return cut(survey.own.facts.sees_sockets ? "no port collides"
                                                 : "unknown: " + survey.own.facts.missing.front());
    }
    std::string counts = sums[2] != 0   ? counted(sums[2], "error")
                         : sums[1] != 0 ? counted(sums[1], "warning")
                                        : counted(sums[0], "note");
    if (sums[2] != 0 && sums[1] != 0) {
        counts += ", " + counted(sums[1], "warning");
    }
    return cut(counts + ": " + std::string(worst->id) + (worst->ports.empty() ? "" : " " + worst->ports));
}

} // namespace portguard::tools
