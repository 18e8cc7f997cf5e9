// `portguard check`.
#include <algorithm>
#include <array>
#include <optional>

#include <unistd.h>

#include "tools/check/check_report.h"
#include "tools/check/cures_of_who.h"
#include "tools/cli/command.h"
#include "tools/cli/resolve_config.h"
#include "tools/common/duration.h"
#include "tools/common/json_output.h"
#include "tools/common/netns.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"
#include "tools/common/terminal_width.h"
#include "tools/plan/port_list.h"

namespace portguard::tools {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view sample_name = "sample";
constexpr std::string_view fail_on_name = "fail_on";
constexpr std::string_view quiet_name = "quiet";

constexpr std::array parameters{
    Parameter{sample_name, duration_values, "nothing is counted",
              "count new outgoing connections for so long, and compare with the size of the range"},
    Parameter{fail_on_name, "error|warning|note|never", "warning",
              "the least finding that makes the exit status 1"},
    list_parameter,
    Parameter{.name = quiet_name,
              .values = "",
              .fallback = "",
              .help = "print nothing: the exit status is the answer",
              .letter = 'q'},
    netns_parameter,
    json_parameter,
};

constexpr std::array combinations{
    Combination{quiet_name, excluded, json_parameter.name},
};

/// Null: never. The command line has been checked for other words.
std::optional<Severity> failing_severity(const Arguments& arguments) {
    const std::string* const value = arguments.value(fail_on_name);
    if (value == nullptr) {
        return Severity::warning;
    }
    for (const Severity severity : {Severity::note, Severity::warning, Severity::error}) {
        if (*value == severity_name(severity)) {
            return severity;
        }
    }
    return std::nullopt;
}

bool fails(const std::vector<Finding>& findings, std::optional<Severity> least) {
    return least.has_value() &&
           std::any_of(findings.begin(), findings.end(),
                       [least](const Finding& finding) { return finding.severity >= *least; });
}

/// With the ports of --list, which are as good as --listen.
Config config_with_list(const Config& given, const Arguments& arguments) {
    Config config = given;
    for (const NamedPort& entry : port_list_of(arguments).ports) {
        config.listen.insert(entry.ports);
        config.has_listen = true;
    }
    return config;
}

int check(const Arguments& arguments) {
    const ResolvedConfig resolved(arguments, environ, Mistakes::reported);
    const Config config = config_with_list(resolved.draft().config, arguments);
    const auto sample = duration_of(arguments, sample_name);
    enter_netns(arguments);
    HostFacts facts = gather_facts({.listen = config.listen, .sample = sample.value_or(0ms)});
    facts.as_root = as_root_prefix(arguments);
    facts.as_user = netns_prefix(arguments).empty() ? "" : facts.as_root;
    if (!facts.connects.has_value()) {
        facts.missing.emplace_back(sample.has_value()
                                       ? "the rate of new connections (/proc/net/snmp cannot be read)"
                                       : "the rate of new connections (--sample=2s counts them)");
    }
    const PortPlan plan = plan_for(config, facts);
    std::vector<Finding> findings = find_all(facts, plan);
    add_cures(findings, config, netns_prefix(arguments));
    if (arguments.has(json_parameter.name)) {
        print(json_report(facts, plan, findings));
    } else if (!arguments.has(quiet_name)) {
        constexpr std::size_t widest = 80;
        print(text_report(facts, plan, findings, std::min(widest, width_of_terminal(STDOUT_FILENO))));
    }
    const bool failed = fails(findings, failing_severity(arguments));
    return static_cast<int>(failed ? ExitCode::findings : ExitCode::success);
}

} // namespace

const Command check_command{
    .name = "check",
    .summary = "audits this host's ports against a plan and names each fix",
    .description = R"(
Compares listeners, connections and kernel settings with --listen and --ephemeral. Without --listen, the ports
that are listened on now are the plan; without --ephemeral, net.ipv4.ip_local_port_range is. Changes nothing.

Any user may run it. What needs root, such as the processes of other users, is left out for others and named at
the end.
)",
    .exit_status = R"(
0 nothing but notes, or nothing that --fail-on names
1 errors or warnings, or what --fail-on names
2 the command line is wrong
)",
    .examples = R"(
portguard check
portguard check --listen=80,443,5000-14999 --ephemeral=15000-65000
portguard check --sample=2s --netns=blue --json
portguard check --fail-on=error
)",
    .guard = GuardOptions::plan,
    .own = parameters,
    .combinations = combinations,
    .run = check,
};

} // namespace portguard::tools
