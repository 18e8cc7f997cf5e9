// `portguard check`.
#include <algorithm>
#include <array>
#include <optional>

#include <unistd.h>

#include "tools/check/check_report.h"
#include "tools/check/survey.h"
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
constexpr std::string_view all_namespaces_name = "all_namespaces";
constexpr std::string_view problem_detector_name = "problem_detector";

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
    Parameter{
        all_namespaces_name, "", "",
        "look into every network namespace that may be entered, and for ports of pods that meet the host's"},
    json_parameter,
    Parameter{problem_detector_name, "", "", "one line for node-problem-detector; status 2: unknown"},
};

constexpr std::array combinations{
    Combination{quiet_name, excluded, json_parameter.name},
    Combination{all_namespaces_name, excluded, netns_parameter.name},
    Combination{all_namespaces_name, excluded, sample_name},
    Combination{problem_detector_name, excluded, json_parameter.name},
    Combination{problem_detector_name, excluded, quiet_name},
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

bool fails(const Survey& survey, std::optional<Severity> least) {
    const auto sums = sums_of(survey);
    return least.has_value() && std::any_of(sums.begin() + static_cast<std::ptrdiff_t>(*least), sums.end(),
                                            [](std::size_t sum) { return sum != 0; });
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

Survey survey(const Arguments& arguments) {
    const ResolvedConfig resolved(arguments, environ, Mistakes::reported);
    const Config config = config_with_list(resolved.draft().config, arguments);
    const auto sample = duration_of(arguments, sample_name);
    enter_netns(arguments);
    const FactsWish wish{.listen = config.listen, .sample = sample.value_or(0ms), .cluster = true};
    Survey result =
        arguments.has(all_namespaces_name) ? survey_all(config, wish) : survey_one(arguments, config, wish);
    if (!result.own.facts.connects.has_value()) {
        result.own.facts.missing.emplace_back(
            sample.has_value() ? "the rate of new connections (/proc/net/snmp cannot be read)"
                               : "the rate of new connections (--sample=2s counts them)");
    }
    return result;
}

int check(const Arguments& arguments) {
    const Survey result = survey(arguments);
    const std::optional<Severity> least = failing_severity(arguments);
    if (arguments.has(problem_detector_name)) {
        print(problem_line(result, least));
        // Where the sockets are not seen, that nothing was found says nothing.
        if (!fails(result, least) && !result.own.facts.sees_sockets) {
            return static_cast<int>(ExitCode::usage);
        }
    } else if (arguments.has(json_parameter.name)) {
        print(json_report(result));
    } else if (!arguments.has(quiet_name)) {
        constexpr std::size_t widest = 80;
        print(text_report(result, std::min(widest, width_of_terminal(STDOUT_FILENO))));
    }
    return static_cast<int>(fails(result, least) ? ExitCode::findings : ExitCode::success);
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

On a node of Kubernetes, the NodePort range and the ports of kubelet and its like are read from the arguments
and configuration files of the processes; a default is named as such. --all-namespaces looks into the network
namespaces of pods too: their packets leave with the node's address and their own source port, which may be a
port that the node has.

--problem-detector answers as a custom plugin of node-problem-detector: 0 and a line where all is well, 1 and
the worst finding, 2 where the sockets cannot be read. No line is longer than 80 characters.
)",
    .exit_status = R"(
0 nothing but notes, or nothing that --fail-on names
1 errors or warnings, or what --fail-on names
2 the command line is wrong; with --problem-detector also: unknown
)",
    .examples = R"(
portguard check
portguard check --listen=80,443,5000-14999 --ephemeral=15000-65000
portguard check --sample=2s --netns=blue --json
portguard check --all-namespaces --fail-on=error
)",
    .guard = GuardOptions::plan,
    .own = parameters,
    .combinations = combinations,
    .run = check,
};

} // namespace portguard::tools
