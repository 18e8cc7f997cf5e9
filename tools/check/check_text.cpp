#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <vector>

#include "tools/check/check_report.h"
#include "tools/common/output.h"
#include "tools/common/port_text.h"

namespace portguard::tools {
namespace {

/// A longer set of ports does not belong into the head of a report.
constexpr std::size_t longest_plan = 48;

std::size_t count_if(const HostFacts& facts, bool (*wanted)(const SocketFact&)) {
    return static_cast<std::size_t>(std::count_if(facts.sockets.begin(), facts.sockets.end(), wanted));
}

std::string shortened(const PortSet& ports) {
    const std::string text = text_of(ports);
    return text.size() <= longest_plan ? text : std::to_string(ports.count({1, 65535})) + " ports";
}

std::string head(const HostFacts& facts, const PortPlan& plan) {
    std::string text = "network namespace " + std::to_string(facts.netns) + ": ";
    text += counted(count_if(facts, [](const SocketFact& fact) { return fact.role == Role::listener; }),
                    "listener") +
            ", ";
    text +=
        counted(count_if(facts, [](const SocketFact& fact) { return came_in(fact.role); }), "connection") +
        " in, ";
    text +=
        std::to_string(count_if(facts, [](const SocketFact& fact) { return fact.role == Role::outgoing; })) +
        " out";
    if (facts.connects.has_value()) {
        text += ", " + std::to_string(std::lround(facts.connects->per_second)) + " new out a second";
    }
    text += "\nlisten     " + (plan.listen.empty() ? std::string("none") : shortened(plan.listen)) +
            (plan.listen_given ? "\n" : " (those that listen now)\n");
    text += "ephemeral  " + (plan.ephemeral.empty() ? std::string("unknown") : text_of(plan.ephemeral)) +
            (plan.ephemeral_given ? "\n" : " (net.ipv4.ip_local_port_range)\n");
    if (!facts.settings.ports.reserved.empty()) {
        text += "reserved   " + shortened(facts.settings.ports.reserved) + "\n";
    }
    for (const ClusterPort& port : facts.cluster) {
        if (port.is_node_ports) {
            text += "NodePorts  " + text_of(port.ports) + " (" + source_in_words(port) + ")\n";
        }
    }
    return text;
}

/// A line of the head, which is aligned: only what does not fit is broken.
std::string with_hanging_indent(std::string_view line, std::size_t width) {
    return line.size() <= width ? std::string(line) + "\n" : wrapped(line, "", width);
}

/// The explanation is the same: it stands once, above the subjects.
bool belong_together(const Finding& left, const Finding& right) {
    return left.id == right.id && left.why == right.why;
}

void add_fix_line(std::string_view line, std::string& text) {
    text.append(line.starts_with('#') ? "      " : "    $ ").append(line).append("\n");
}

std::vector<std::string_view> lines_of_fix(const Finding& finding) {
    std::vector<std::string_view> lines;
    for (std::string_view rest = finding.fix; !rest.empty();) {
        lines.push_back(next_field(rest, '\n'));
    }
    return lines;
}

void add_one(const Finding& finding, std::size_t width, std::string& text) {
    text += "\n" + wrapped(finding.what, "  ", width) + wrapped(finding.why, "    ", width);
    for (const std::string_view line : lines_of_fix(finding)) {
        add_fix_line(line, text);
    }
}

bool is_in_each(std::span<const Finding> block, std::string_view line) {
    return std::all_of(block.begin(), block.end(), [line](const Finding& finding) {
        const std::vector<std::string_view> lines = lines_of_fix(finding);
        return std::find(lines.begin(), lines.end(), line) != lines.end();
    });
}

/// What is the same for all stands once, below the last.
void add_many(std::span<const Finding> block, std::size_t width, std::string& text) {
    text += " (" + std::to_string(block.size()) + " times)\n" + wrapped(block.front().why, "    ", width);
    std::vector<std::string_view> common;
    for (const std::string_view line : lines_of_fix(block.front())) {
        if (is_in_each(block, line)) {
            common.push_back(line);
        }
    }
    for (const Finding& finding : block) {
        text += wrapped(finding.what, "  ", width);
        for (const std::string_view line : lines_of_fix(finding)) {
            if (std::find(common.begin(), common.end(), line) == common.end()) {
                add_fix_line(line, text);
            }
        }
    }
    for (const std::string_view line : common) {
        add_fix_line(line, text);
    }
}

void add_block(std::span<const Finding> block, std::size_t width, std::string& text) {
    const Finding& first = block.front();
    text.append("\n").append(severity_name(first.severity)).append(": ").append(first.id);
    if (block.size() == 1) {
        add_one(first, width, text);
    } else {
        add_many(block, width, text);
    }
}

void add_findings(std::span<const Finding> findings, std::size_t width, std::string& text) {
    for (std::size_t first = 0; first < findings.size();) {
        std::size_t end = first + 1;
        while (end < findings.size() && belong_together(findings[first], findings[end])) {
            ++end;
        }
        add_block(findings.subspan(first, end - first), width, text);
        first = end;
    }
}

/// What is explained once is not explained again.
void add_other(const Surveyed& other, std::set<std::string_view>& explained, std::size_t width,
               std::string& text) {
    text += "\n" + wrapped("network namespace " + std::to_string(other.place.inode) + " (" +
                               other.place.in_words() + "):",
                           "", width);
    for (const Finding& finding : other.findings) {
        if (finding.severity == Severity::note) {
            continue;
        }
        text += wrapped(std::string(severity_name(finding.severity)) + ": " + std::string(finding.id) + ": " +
                            finding.what,
                        "  ", width);
        if (explained.insert(finding.why).second) {
            text += wrapped(finding.why, "    ", width);
        }
        for (const std::string_view line : lines_of_fix(finding)) {
            add_fix_line(line, text);
        }
    }
}

void add_others(const Survey& survey, std::size_t width, std::string& text) {
    std::set<std::string_view> explained;
    std::size_t quiet = 0;
    for (const Surveyed& other : survey.others) {
        const bool has_more_than_notes =
            !other.findings.empty() && other.findings.front().severity != Severity::note;
        quiet += has_more_than_notes ? 0 : 1;
        if (has_more_than_notes) {
            add_other(other, explained, width, text);
        }
    }
    if (quiet != 0) {
        text += "\n" + counted(quiet, "other network namespace") + ": nothing but notes (--json has them)\n";
    }
}

std::string sums(const Survey& survey) {
    const auto sum = sums_of(survey);
    return "\n" + counted(sum[2], "error") + ", " + counted(sum[1], "warning") + ", " +
           counted(sum[0], "note") + "\n";
}

/// Of the others only what was not said of the caller's own.
std::set<std::string> clauses_of_others(const Survey& survey) {
    std::set<std::string> clauses;
    for (const Surveyed& other : survey.others) {
        clauses.insert(other.facts.missing.begin(), other.facts.missing.end());
    }
    for (const std::string& clause : survey.own.facts.missing) {
        clauses.erase(clause);
    }
    return clauses;
}

} // namespace

std::string text_report(const Survey& survey, std::size_t width) {
    std::string text;
    std::string lines = head(survey.own.facts, survey.own.plan);
    for (std::string_view rest = lines; !rest.empty();) {
        text += with_hanging_indent(next_field(rest, '\n'), width);
    }
    add_findings(survey.own.findings, width, text);
    add_others(survey, width, text);
    text += sums(survey);
    for (const std::string& clause : survey.own.facts.missing) {
        text += wrapped("left out: " + clause, "", width);
    }
    for (const std::string& clause : clauses_of_others(survey)) {
        text += wrapped("left out in other network namespaces: " + clause, "", width);
    }
    return text;
}

} // namespace portguard::tools
