// `portguard repro`.
#include <array>
#include <cstdio>
#include <filesystem>
#include <optional>

#include <unistd.h>

#include "core/number.h"
#include "tools/cli/command.h"
#include "tools/cli/resolve_config.h"
#include "tools/common/duration.h"
#include "tools/common/guarded_program.h"
#include "tools/common/json_output.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"
#include "tools/common/terminal_width.h"
#include "tools/repro/recorded_program.h"
#include "tools/repro/repro_report.h"

namespace portguard::tools {
namespace {

constexpr std::string_view event_name_option = "event";
constexpr std::string_view fix_option = "with_fix";
constexpr std::string_view bare_option = "without_shim";
constexpr std::string_view probe_option = "probe";
constexpr std::string_view for_name = "for";
constexpr std::chrono::seconds default_limit{10};

constexpr std::array parameters{
    Parameter{event_name_option, "N", "the last one of kind in_use",
              "which event of LOG, counted from 1 as `portguard events` does"},
    Parameter{fix_option, fix_values, "none", "which cures to try as well, each in a condition of its own"},
    Parameter{probe_option, "", "", "start no PROGRAM: only the probe makes the call"},
    Parameter{bare_option, "", "",
              "start PROGRAM without the guard; its exit status is all that is known then"},
    Parameter{for_name, duration_values, "10s", "end PROGRAM after so long: a server that serves goes on"},
    anyway_parameter,
    json_parameter,
};

constexpr std::array combinations{
    Combination{probe_option, excluded, program_word},
    Combination{probe_option, excluded, bare_option},
    Combination{probe_option, excluded, for_name},
    Combination{probe_option, excluded, anyway_parameter.name},
    Combination{bare_option, excluded, anyway_parameter.name},
};

std::optional<std::uint64_t> wanted_number(const Arguments& arguments) {
    const std::string* const word = arguments.value(event_name_option);
    if (word == nullptr) {
        return std::nullopt;
    }
    const std::optional<std::uint64_t> number = parse_number<std::uint64_t>(*word);
    if (number.value_or(0) == 0) {
        throw Refusal(ExitCode::usage,
                      "event=" + shown(*word) + ": this is not the number of an event; 1 is the first");
    }
    return number;
}

LoggedEvent find_event(const Arguments& arguments) {
    const auto number = wanted_number(arguments);
    const std::string& log = arguments.operands.front();
    std::optional<LoggedEvent> found;
    std::uint64_t count = 0;
    const auto complaints = read_event_logs(std::array{log}, [&](LoggedEvent event) {
        count = event.number;
        const bool is_wanted =
            number.has_value() ? event.number == *number : event.record.kind == EventKind::in_use;
        if (is_wanted) {
            found = std::move(event);
        }
    });
    for (const std::string& complaint : complaints) {
        std::fprintf(stderr, "portguard: %s\n", complaint.c_str());
    }
    if (!found.has_value()) {
        const std::string which =
            number.has_value() ? "event " + std::to_string(*number) : "event of kind in_use";
        throw Refusal(ExitCode::usage, shown(log) + " has no " + which + " among its " +
                                           std::to_string(count) +
                                           "; `portguard events` lists them, and --event=N takes any");
    }
    if (found->record.is_from_text) {
        throw Refusal(ExitCode::usage, "event " + std::to_string(found->number) + " of " + shown(log) +
                                           " is a report for people, which does not say who held the port "
                                           "how; a log of log=file:PATH or format=json does");
    }
    return std::move(*found);
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) {
        text += (text.empty() ? "" : " ") + word;
    }
    return shown(text);
}

bool is_file_here(const std::string& path) {
    std::error_code ignored;
    return std::filesystem::exists(path, ignored);
}

struct Chosen {
    std::optional<ProgramPlan> plan;
    std::string words;
};

/// The log may be somebody else's, and so is the command then.
void tell_before_start(const Chosen& chosen) {
    const std::string folder = chosen.plan->folder.empty() ? "" : " in " + shown(chosen.plan->folder);
    std::fprintf(stderr, "portguard: PROGRAM is the command of the event: %s%s\n", chosen.words.c_str(),
                 folder.c_str());
}

Chosen choose_program(const Arguments& arguments, const ResolvedConfig& resolved, const EventRecord& event) {
    Chosen chosen;
    const bool is_recorded = arguments.program.empty();
    const auto words = is_recorded ? recorded_program(event, is_file_here) : arguments.program;
    if (arguments.has(probe_option) || words.empty()) {
        return chosen;
    }
    ProgramPlan plan;
    plan.with_shim = !arguments.has(bare_option);
    plan.limit = duration_of(arguments, for_name).value_or(default_limit);
    plan.keeps_output_clear = arguments.has(json_parameter.name);
    std::error_code ignored;
    if (is_recorded && event.process.cwd.has_value() &&
        std::filesystem::is_directory(*event.process.cwd, ignored)) {
        plan.folder = *event.process.cwd;
    }
    try {
        plan.program = prepare_program(resolved, words);
    } catch (const Refusal& refusal) {
        if (!is_recorded) {
            throw;
        }
        std::fprintf(stderr, "portguard: %s; only the probe is made\n", refusal.what());
        return chosen;
    }
    if (plan.with_shim && !arguments.has(anyway_parameter.name)) {
        require_reachable(plan.program);
    }
    chosen.plan = std::move(plan);
    chosen.words = joined(words);
    if (is_recorded) {
        tell_before_start(chosen);
    }
    return chosen;
}

/// "with the cure split (3 of 4)"; empty: there is only one.
std::string name_of(Fix fix, std::size_t number, std::size_t count) {
    const std::string name =
        fix == Fix::none ? "without a cure" : "with the cure " + std::string(fix_name(fix));
    return count > 1 ? name + " (" + std::to_string(number) + " of " + std::to_string(count) + ")" : "";
}

int repro(const Arguments& arguments) {
    const ResolvedConfig resolved(arguments, environ);
    const std::string* const fixes = arguments.value(fix_option);
    const std::vector<Fix> wanted = parse_fixes(fixes == nullptr ? "none" : *fixes);
    const LoggedEvent event = find_event(arguments);
    const std::string* const listen = arguments.value("listen");
    const Scene scene = scene_of(event.record, listen == nullptr ? "" : *listen);
    const Chosen program = choose_program(arguments, resolved, event.record);
    ReproReport report{event, scene, {}, program.words, !arguments.has(bare_option)};
    for (const Fix fix : wanted) {
        report.replays.push_back(replay(scene, fix, program.plan.has_value() ? &*program.plan : nullptr,
                                        name_of(fix, report.replays.size() + 1, wanted.size())));
    }
    print(arguments.has(json_parameter.name) ? repro_json(report)
                                             : repro_text(report, width_of_terminal(STDOUT_FILENO)));
    return static_cast<int>(report.is_reproduced() ? ExitCode::success : ExitCode::findings);
}

} // namespace

const Command repro_command{
    .name = "repro",
    .summary = "recreates the condition of a recorded event and runs PROGRAM in it",
    .description = R"(
Takes one event of LOG (written by --log=file:PATH, plain or gzipped; - is standard input), makes a private
network namespace and in it the sockets that the event names. A probe makes the call of the event: kernel and
diagnosis have to say what they said. Then PROGRAM runs, by default the command of the event.

The sockets have the addresses, ports, states, SO_REUSEADDR, SO_REUSEPORT and IPV6_V6ONLY of the event and, as
root, its users. Addresses that a fresh namespace lacks are put on a dummy device. Every errno is the kernel's
own; nothing of this machine's network is touched. Without root, user namespaces have to be allowed.

PROGRAM runs under the guard, which looks on and changes nothing. The command of the event runs in its folder,
as far as both exist here. What is not as it was is listed as `missing`.

--with-fix shows which cure works, in a table: reuseaddr, as if all had run under the guard; split, as if the
range of outgoing connections left the port out; wait, once TIME_WAIT is over (a minute).

An event that the guard made itself (refused, cured) is made again by the guard; --listen beats the plan that
the event names.
)",
    .exit_status = R"(
0 reproduced, by the probe and, where the guard is in it, by PROGRAM
1 not reproduced, or the event cannot be made again
2 the command line or LOG is wrong
else as of `portguard run`, where PROGRAM cannot be started
)",
    .examples = R"(
portguard repro ports.log -- ./server
portguard repro ports.log --event=3 --probe --with-fix=all
portguard repro ports.log --with-fix=split --for=1m -- ctest -R flaky
)",
    .operand = {"LOG", 1, 1},
    .takes_program = true,
    .guard = GuardOptions::plan,
    .own = parameters,
    .combinations = combinations,
    .run = repro,
};

} // namespace portguard::tools
