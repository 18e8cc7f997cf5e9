#include <algorithm>
#include <array>
#include <cmath>

#include "tools/check/check_report.h"
#include "tools/common/output.h"
#include "tools/common/port_text.h"

namespace portguard::tools {
namespace {

constexpr std::size_t width = 80;
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
    return text;
}

/// Cause and cure are the same for many: they stand once, below the last.
bool belong_together(const Finding& left, const Finding& right) {
    return left.id == right.id && left.why == right.why && left.fix == right.fix;
}

void add_block(std::span<const Finding> block, std::string& text) {
    const Finding& first = block.front();
    text.append("\n").append(severity_name(first.severity)).append(": ").append(first.id).append("\n");
    for (const Finding& finding : block) {
        text += wrapped(finding.what, "  ", width);
    }
    text += wrapped(first.why, "    ", width);
    std::string_view fix = first.fix;
    while (!fix.empty()) {
        const std::string_view line = next_field(fix, '\n');
        text.append(line.starts_with('#') ? "      " : "    $ ").append(line).append("\n");
    }
}

std::string sums(std::span<const Finding> findings) {
    std::array<std::size_t, 3> sum{};
    for (const Finding& finding : findings) {
        ++sum[static_cast<std::size_t>(finding.severity)];
    }
    return "\n" + counted(sum[2], "error") + ", " + counted(sum[1], "warning") + ", " +
           counted(sum[0], "note") + "\n";
}

} // namespace

std::string text_report(const HostFacts& facts, const PortPlan& plan, std::span<const Finding> findings) {
    std::string text = head(facts, plan);
    for (std::size_t first = 0; first < findings.size();) {
        std::size_t end = first + 1;
        while (end < findings.size() && belong_together(findings[first], findings[end])) {
            ++end;
        }
        add_block(findings.subspan(first, end - first), text);
        first = end;
    }
    text += sums(findings);
    for (const std::string& clause : facts.missing) {
        text += wrapped("left out: " + clause, "", width);
    }
    return text;
}

} // namespace portguard::tools
