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
#include "tools/plan/site.h"

namespace portguard::tools {
namespace {

constexpr std::string_view to_name = "to";
constexpr std::string_view least_name = "least";
constexpr std::string_view reserve_name = "reserve";
constexpr std::string_view apply_name = "apply";
constexpr std::string_view revert_name = "revert";
constexpr std::string_view file_name = "file";
constexpr std::string_view declared_name = "declared";
constexpr std::string_view dry_run_name = "dry_run";

/// Below, UDP sockets that are kept in the range would be handed shared ports.
constexpr std::uint16_t least_default = 4096;

constexpr std::array parameters{
    list_parameter,
    Parameter{to_name, "sysctl|systemd|kubernetes|env", "",
              "print a sysctl.d file, drop-in, pod's patch, variables"},
    Parameter{least_name, "N", "4096", "the smallest range worth having"},
    Parameter{reserve_name, "", "", "keep the present range, and reserve single ports"},
    Parameter{declared_name, "", "", "leave out what is listened on now"},
    Parameter{apply_name, "", "", "put the plan into force, now and at boot"},
    Parameter{revert_name, "", "", "bring back what was there before --apply"},
    Parameter{dry_run_name, "", "", "of --apply and --revert: say what would change"},
    Parameter{file_name, "FILE", default_plan_file, "what --apply writes and --revert reads"},
    netns_parameter,
    json_parameter,
};

constexpr std::array combinations{
    Combination{to_name, excluded, json_parameter.name}, Combination{to_name, excluded, apply_name},
    Combination{to_name, excluded, revert_name},         Combination{apply_name, excluded, revert_name},
    Combination{declared_name, excluded, revert_name},
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

/// A plan that cannot be is neither exported nor applied.
void require_plan(const Proposal& proposal, const std::vector<Duplicate>& duplicates) {
    if (!duplicates.empty()) {
        throw Refusal(ExitCode::findings, describe(duplicates.front()) + "; one of them needs another port");
    }
    if (proposal.split.ephemeral.empty()) {
        throw Refusal(ExitCode::findings, proposal.split.obstacle + "; --least=N takes a smaller range");
    }
}

std::string plan_file(const Arguments& arguments) {
    const std::string* const file = arguments.value(file_name);
    return file == nullptr ? std::string(default_plan_file) : *file;
}

void check_actions(const Arguments& arguments) {
    const bool acts = arguments.has(apply_name) || arguments.has(revert_name);
    if (arguments.has(dry_run_name) && !acts) {
        throw Refusal(ExitCode::usage, "--dry-run means something with --apply or --revert; without them "
                                       "`portguard plan` changes nothing");
    }
    if (acts && arguments.has(netns_parameter.name) && !arguments.has(file_name)) {
        throw Refusal(ExitCode::usage, std::string(arguments.has(apply_name) ? "--apply" : "--revert") +
                                           " with --netns needs --file=FILE: " +
                                           std::string(default_plan_file) + " is the host's own");
    }
}

/// Else all ports would be given to outgoing connections.
void require_declaration(const Arguments& arguments, const PortList& list, const Config& config) {
    if (arguments.has(declared_name) && list.ports.empty() && !config.has_listen &&
        config.ephemeral.empty()) {
        throw Refusal(ExitCode::usage,
                      "--declared: no port is declared; --list, --listen and --ephemeral do, "
                      "or `listen` and `ephemeral` in a configuration file");
    }
}

Extent extent_of(const Arguments& arguments) {
    return arguments.has(dry_run_name) ? Extent::dry_run : Extent::all;
}

int show(const Arguments& arguments, const PlanChange& change) {
    print(arguments.has(json_parameter.name) ? json_report(change) : text_report(change));
    return static_cast<int>(ExitCode::success);
}

/// The same command again, with what it was given.
std::string this_command(const Arguments& arguments, const std::vector<std::string>& more) {
    std::string text = std::string(::geteuid() == 0 ? "" : "sudo ") + "portguard plan";
    const bool reverts = more.front() == "--revert";
    for (const auto& [name, value] : arguments.given) {
        const bool is_file = name == file_name || name == netns_parameter.name;
        if (name != reserve_name && (!reverts || is_file)) {
            text += " " + spelled(name) + (value.empty() ? "" : "=" + shell_word(value));
        }
    }
    for (const std::string& word : more) {
        text += " " + word;
    }
    return text;
}

PlanCommands commands_for(const Arguments& arguments) {
    const bool keeps = arguments.has(reserve_name);
    return {this_command(arguments, keeps ? std::vector<std::string>{"--reserve", "--apply"}
                                          : std::vector<std::string>{"--apply"}),
            this_command(arguments, {"--revert"}), this_command(arguments, {"--reserve", "--apply"})};
}

int show(const Arguments& arguments, const Proposal& proposal, const std::vector<Duplicate>& duplicates) {
    print(arguments.has(json_parameter.name) ? json_report(proposal, duplicates)
                                             : text_report(proposal, duplicates, commands_for(arguments)));
    const bool is_fine = duplicates.empty() && !proposal.split.ephemeral.empty();
    return static_cast<int>(is_fine ? ExitCode::success : ExitCode::findings);
}

int plan(const Arguments& arguments) {
    const ResolvedConfig resolved(arguments, environ);
    const std::uint32_t least = least_of(arguments);
    const Export* const form = export_of(arguments);
    check_actions(arguments);
    if (arguments.has(revert_name)) {
        enter_netns(arguments);
        return show(arguments, revert_plan(plan_file(arguments), extent_of(arguments)));
    }
    const PortList list = port_list_of(arguments);
    require_declaration(arguments, list, resolved.draft().config);
    const std::vector<Duplicate> duplicates = find_duplicates(list.ports);
    enter_netns(arguments);
    const bool applies = arguments.has(apply_name);
    HostFacts facts = gather_facts({.listen = {}, .flags = false});
    if (applies) {
        leave_out_own_reservations(facts.settings.ports, plan_file(arguments));
    }
    Proposal proposal = propose(facts, list.ports, resolved.draft().config,
                                {least, arguments.has(reserve_name), arguments.has(declared_name)});
    proposal.missing.insert(proposal.missing.end(), list.unread.begin(), list.unread.end());
    if (form == nullptr && !applies) {
        return show(arguments, proposal, duplicates);
    }
    require_plan(proposal, duplicates);
    if (applies) {
        return show(arguments, apply_plan(proposal, plan_file(arguments), extent_of(arguments)));
    }
    print(form->write(proposal));
    return static_cast<int>(ExitCode::success);
}

} // namespace

const Command plan_command{
    .name = "plan",
    .summary = "proposes a range for outgoing connections that avoids listeners",
    .description = R"(
Takes the ports that are listened on now, those of --list and those of --listen, and proposes the largest range
between them (with --ephemeral inside that); where they stand too far apart, a range around them with reserved ports.

--apply writes a file of sysctl.d(5) that sets range and reservations at boot, sets them now and reads them back;
what was there stands in the file as comments, and --revert brings that back and removes the file. Reservations
of others stay. What is in force already is left as it is, and a setting that was changed since is not reverted.
`changed` of --json (plan-change.schema.json) says whether anything was changed, or with --dry-run would be.

With --declared the ports that are listened on now do not count: a unit at boot and a roll-out (examples/systemd,
examples/ansible) have the same plan each time.

A line of the list that names no port is named on stderr, and the others are taken. Of docker-compose and
Kubernetes files those ports count that are opened on a host. Two names with one port are reported.
)",
    .exit_status = R"(
0 there is a plan, or it was (with --dry-run: could be) applied or reverted
1 there is none, the list names a port twice, or the kernel did not take it
2 the command line, the configuration, the list or the file is wrong
)",
    .examples = R"(
portguard plan
sudo portguard plan --list=/etc/services --apply
sudo portguard plan --revert
portguard plan --list=docker-compose.yml --to=env
)",
    .guard = GuardOptions::plan,
    .own = parameters,
    .combinations = combinations,
    .run = plan,
};

} // namespace portguard::tools
