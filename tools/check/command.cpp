// `portguard check`.
#include <algorithm>
#include <array>

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

namespace portguard::tools {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view sample_name = "sample";

constexpr std::array parameters{
    Parameter{sample_name, duration_values, "nothing is counted",
              "count new outgoing connections for so long, and compare with the size of the range"},
    netns_parameter,
    json_parameter,
};

int check(const Arguments& arguments) {
    const ResolvedConfig resolved(arguments, environ);
    const Config& config = resolved.draft().config;
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
    const bool as_json = arguments.has(json_parameter.name);
    print(as_json ? json_report(facts, plan, findings) : text_report(facts, plan, findings));
    const bool is_fine = std::all_of(findings.begin(), findings.end(), [](const Finding& finding) {
        return finding.severity == Severity::note;
    });
    return static_cast<int>(is_fine ? ExitCode::success : ExitCode::findings);
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
0 nothing but notes
1 errors or warnings
2 the command line or the configuration is wrong
)",
    .examples = R"(
portguard check
portguard check --listen=80,443,5000-14999 --ephemeral=15000-65000
portguard check --sample=2s --netns=blue --json
)",
    .guard = GuardOptions::plan,
    .own = parameters,
    .run = check,
};

} // namespace portguard::tools
