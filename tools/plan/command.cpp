// `portguard plan`.
#include <algorithm>
#include <array>

#include <unistd.h>

#include "tools/cli/command.h"
#include "tools/cli/resolve_config.h"
#include "tools/common/json_output.h"
#include "tools/common/netns.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"
#include "tools/plan/exports.h"
#include "tools/plan/proposal.h"

namespace portguard::tools {
namespace {

constexpr std::string_view list_name = "list";
constexpr std::string_view to_name = "to";
constexpr std::string_view least_name = "least";

/// Below, UDP sockets that are kept in the range would be handed shared ports.
constexpr std::uint16_t least_default = 4096;

constexpr std::array parameters{
    Parameter{list_name, "FILE|-", "the listeners seen now, and --listen",
              "more ports to keep out, a line each: NAME PORT [tcp|udp]; - is standard input"},
    Parameter{to_name, "sysctl|systemd|kubernetes|env", "text",
              "print the plan as a sysctl.d file, a service's drop-in, a patch for a pod, or PORTGUARD_* "
              "variables"},
    Parameter{least_name, "N", "4096", "the smallest range worth having"},
    netns_parameter,
    json_parameter,
};

using enum Combination::Kind;
constexpr std::array combinations{
    Combination{to_name, excluded, json_parameter.name},
};

std::uint32_t least_of(const Arguments& arguments) {
    const std::string* const value = arguments.value(least_name);
    const std::uint16_t least = value == nullptr ? least_default : parse_port(*value);
    if (least == 0) {
        throw Refusal(ExitCode::usage,
                      "least=" + shown(*value) +
                          ": this is not a number of ports from 1 to 65535; expected one such as 4096");
    }
    return least;
}

/// Null: text is wanted.
const Export* export_of(const Arguments& arguments) {
    const std::string* const value = arguments.value(to_name);
    if (value == nullptr) {
        return nullptr;
    }
    const auto exports = all_exports();
    const auto found = std::find_if(exports.begin(), exports.end(),
                                    [&](const Export& entry) { return entry.name == *value; });
    if (found == exports.end()) {
        throw Refusal(ExitCode::usage,
                      "to=" + shown(*value) +
                          " is not a form; the values are sysctl, systemd, kubernetes and env");
    }
    return &*found;
}

/// A plan that cannot be is not exported.
int print_export(const Export& form, const Proposal& proposal, const std::vector<Duplicate>& duplicates) {
    if (!duplicates.empty()) {
        throw Refusal(ExitCode::findings, describe(duplicates.front()) + "; one of them needs another port");
    }
    if (proposal.split.ephemeral.empty()) {
        throw Refusal(ExitCode::findings, proposal.split.obstacle + "; --least=N takes a smaller range");
    }
    print(form.write(proposal));
    return static_cast<int>(ExitCode::success);
}

int plan(const Arguments& arguments) {
    const ResolvedConfig resolved(arguments, environ);
    const std::uint32_t least = least_of(arguments);
    const Export* const form = export_of(arguments);
    const std::string* const file = arguments.value(list_name);
    const std::vector<NamedPort> list = file == nullptr ? std::vector<NamedPort>{} : read_port_list(*file);
    const std::vector<Duplicate> duplicates = find_duplicates(list);
    enter_netns(arguments);
    const HostFacts facts = gather_facts({.listen = {}, .flags = false});
    const Proposal proposal = propose(facts, list, resolved.draft().config, least);
    if (form != nullptr) {
        return print_export(*form, proposal, duplicates);
    }
    print(arguments.has(json_parameter.name) ? json_report(proposal, duplicates)
                                             : text_report(proposal, duplicates, as_root_prefix(arguments)));
    const bool is_fine = duplicates.empty() && !proposal.split.ephemeral.empty();
    return static_cast<int>(is_fine ? ExitCode::success : ExitCode::findings);
}

} // namespace

const Command plan_command{
    .name = "plan",
    .summary = "proposes a range for outgoing connections that avoids listeners",
    .description = R"(
Takes the ports that are listened on now, those of --list and those of --listen, and proposes the largest range
between them; where they stand too far apart, a range around them with reserved ports. With --ephemeral it
looks only inside that range. Changes nothing.

Two names with one port in the list are reported.
)",
    .exit_status = R"(
0 there is a plan
1 there is none, or the list names a port twice
2 the command line, the configuration or the list is wrong
)",
    .examples = R"(
portguard plan
portguard plan --to=sysctl | sudo tee /etc/sysctl.d/60-portguard.conf
portguard plan --list=services.txt --to=env
)",
    .guard = GuardOptions::plan,
    .own = parameters,
    .combinations = combinations,
    .run = plan,
};

} // namespace portguard::tools
