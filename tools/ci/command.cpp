// `portguard ci`.
#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/text.h"
#include "tools/ci/ci_json.h"
#include "tools/ci/coverage.h"
#include "tools/ci/event_file.h"
#include "tools/ci/front_ends.h"
#include "tools/ci/ring_folder.h"
#include "tools/ci/wrapped_run.h"
#include "tools/cli/command.h"
#include "tools/cli/resolve_config.h"
#include "tools/common/colour.h"
#include "tools/common/front_end.h"
#include "tools/common/guarded_program.h"
#include "tools/common/json_output.h"
#include "tools/common/output.h"
#include "tools/common/put_aside.h"
#include "tools/common/refusal.h"
#include "tools/common/terminal_width.h"
#include "tools/events/outlets.h"

namespace portguard::tools {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view fail_on_name = "fail_on";
constexpr std::string_view lease_name = "lease";
constexpr std::string_view log_name = "log";
constexpr std::string_view mode_name = "mode";
constexpr std::string_view record_name = "record";
constexpr std::string_view remember_name = "remember";

constexpr std::array parameters{
    Parameter{mode_name, "enforce|observe|off", "observe; --lease: enforce", "what the guard does"},
    Parameter{log_name, "file:PATH", "below TMPDIR", "the record of all events"},
    Parameter{fail_on_name, "in-use|refused|never", "never",
              "exit with 1 where PROGRAM succeeded and a port was in use, or was outside the plan"},
    junit_parameter,
    github_parameter,
    html_parameter,
    color_parameter,
    anyway_parameter,
    Parameter{front_end_name, front_end_values, "auto",
              "a library in programs, a process beside them (static, Go), or both; auto: both as root"},
    no_io_uring_parameter,
    Parameter{.name = json_parameter.name,
              .values = "",
              .fallback = "",
              .help = "the report as JSON; what PROGRAM prints goes to stderr",
              .letter = json_parameter.letter},
};

constexpr std::array combinations{
    Combination{color_parameter.name, Combination::Kind::excluded, json_parameter.name},
};

/// With --json standard output is the report's alone.
class ClearOutput {
public:
    explicit ClearOutput(bool wanted) : own_(wanted ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0) : -1) {
        if (own_ >= 0) {
            ::dup2(STDERR_FILENO, STDOUT_FILENO);
        }
    }
    ~ClearOutput() { restore(); }
    ClearOutput(const ClearOutput&) = delete;
    ClearOutput& operator=(const ClearOutput&) = delete;

    void restore() {
        if (own_ >= 0) {
            ::dup2(own_, STDOUT_FILENO);
            ::close(own_);
            own_ = -1;
        }
    }

private:
    int own_;
};

/// Null: never.
std::optional<EventKind> failing_kind(const Arguments& arguments) {
    const std::string* const value = arguments.value(fail_on_name);
    if (value == nullptr || *value == "never") {
        return std::nullopt;
    }
    if (*value == "in-use" || *value == "in_use") {
        return EventKind::in_use;
    }
    if (*value == "refused") {
        return EventKind::refused;
    }
    throw Refusal(ExitCode::usage, "--fail-on=" + shown(*value) +
                                       " is not a kind of failure; the values are in-use, refused and never");
}

/// A lease is something done, and done for a guard that cures.
std::string default_mode(const Arguments& arguments) {
    const std::string* const lease = arguments.value(lease_name);
    return lease == nullptr || *lease == "off" ? "observe" : "enforce";
}

/// What a wrapped run is unless somebody says otherwise: it is watched, not changed. Its events go to `log`
/// alone, and where its ports were taken is remembered.
Arguments with_defaults(const Arguments& arguments, const EventFile& log, const RingFolder& ring) {
    Arguments all = arguments;
    std::erase_if(all.given, [](const auto& given) { return given.first == log_name; });
    if (!all.has(mode_name)) {
        all.given.emplace_back(mode_name, default_mode(arguments));
    }
    // It takes the library to remember.
    if (!all.has(remember_name) && !ring.path().empty() &&
        front_end_of(arguments, FrontEnd::automatic) != FrontEnd::supervisor) {
        all.given.emplace_back(remember_name, "file:" + ring.path());
    }
    all.given.emplace_back(log_name, "none");
    all.given.emplace_back(record_name, "file:" + log.path());
    return all;
}

GuardedProgram prepare(const Arguments& arguments, const ResolvedConfig& resolved) {
    GuardedProgram program = prepare_program(resolved, arguments.program);
    put_aside(program.variables, log_name);
    if (!arguments.has(mode_name)) {
        put_aside(program.variables, mode_name);
    }
    return program;
}

void tell(const Arguments& arguments, const EventReport& report, const std::string& receipt,
          const EventFile& log, bool coloured) {
    if (arguments.has(json_parameter.name)) {
        return;
    }
    std::string text = "\nportguard: " + summary_line(report) + "\n";
    if (!report.failures.empty()) {
        text += "\n" + events_blocks(report, coloured, width_of_terminal(STDERR_FILENO));
    }
    for (const std::string& what : report.unread) {
        text += "portguard: " + what + "\n";
    }
    text += "portguard: " + receipt;
    if (report.events != 0 || !report.unread.empty()) {
        text += "portguard: the events are in " + shown(log.path()) + "\n";
    }
    std::fputs(text.c_str(), stderr);
    std::fflush(stderr);
}

bool fails(const EventReport& report, std::optional<EventKind> kind) {
    return kind.has_value() &&
           std::any_of(report.failures.begin(), report.failures.end(),
                       [kind](const Failure& failure) { return failure.first.record.kind == *kind; });
}

struct Outcome {
    int wait_status = 0;
    EventReport report;
};

Outcome run_and_report(const Arguments& arguments) {
    const bool coloured = wants_colour(arguments, STDERR_FILENO);
    const ReportFiles files(arguments);
    const EventFile log(arguments);
    const RingFolder ring;
    const ResolvedConfig resolved(with_defaults(arguments, log, ring), environ);
    GuardedProgram program = prepare(arguments, resolved);
    const FrontEnds front_ends(arguments, resolved.draft().config, program);
    Coverage coverage;
    Outcome outcome;
    ClearOutput output(arguments.has(json_parameter.name));
    outcome.wait_status = run_to_its_end(
        program, [&front_ends] { front_ends.enter(); }, 50ms, [&coverage] { coverage.sample(); });
    outcome.report = log.read();
    const std::string receipt = coverage.receipt(front_ends.outcome());
    tell(arguments, outcome.report, receipt, log, coloured);
    if (arguments.has(github_parameter.name)) {
        std::fputs(events_github(outcome.report).c_str(), stderr);
    }
    files.write(outcome.report);
    output.restore();
    if (arguments.has(json_parameter.name)) {
        print(ci_json(outcome.report, {outcome.wait_status, receipt, log.path()}));
    }
    return outcome;
}

int ci(const Arguments& arguments) {
    const std::optional<EventKind> fail_on = failing_kind(arguments);
    if (arguments.program.empty()) {
        throw Refusal(ExitCode::usage, "no PROGRAM is given; `portguard ci --help` shows examples");
    }
    if (arguments.has(record_name)) {
        throw Refusal(ExitCode::usage, "--record=" + shown(*arguments.value(record_name)) +
                                           ": the one file of a run is named by --log=file:PATH");
    }
    take_back();
    const Outcome outcome = run_and_report(arguments);
    const bool succeeded = WIFEXITED(outcome.wait_status) && WEXITSTATUS(outcome.wait_status) == 0;
    if (succeeded && fails(outcome.report, fail_on)) {
        return static_cast<int>(ExitCode::findings);
    }
    end_like(outcome.wait_status);
}

} // namespace

const Command ci_command{
    .name = "ci",
    .summary = "runs a test suite and reports which processes fought over a port",
    .description = R"(
Runs PROGRAM and all that it starts, changes nothing, and reports each call that failed over a port once: both sides,
their stacks, how to replay it.

Where each port was taken is remembered for that; --remember=off does without.

The library is in the programs, and a supervisor is beside all of them (`portguard man run`). --front-end=auto has
both where the supervisor takes nothing from PROGRAM: with CAP_SYS_ADMIN, or where no_new_privs is set already.
Elsewhere the library is alone, since sudo gains nothing under no_new_privs; so it is below another supervisor.

The receipt says which programs the library was not in (static, set-user-ID, another libc, started without
LD_PRELOAD), as far as a look at the processes every 50 ms shows it, whether a supervisor was beside them, and what
passed both: rings of io_uring, calls in another network namespace or cgroup. Nothing is known of programs that
somebody else starts (a container engine, systemd-run). A program that has become another user may be unable to
write to the log.

A `portguard run` that PROGRAM starts does what it does without ci, and its events are reported here as well; a
`portguard ci` below keeps the events of what its library is in to itself.
)",
    .exit_status = R"(
1    PROGRAM succeeded, and --fail-on holds
2    the command line or the configuration is wrong
else as of `portguard run`
)",
    .examples = R"(
portguard ci -- make check
portguard ci --github --junit=ports.xml --html=ports.html -- ctest
portguard ci --fail-on=in-use --log=file:ports.log -- pytest
)",
    .takes_program = true,
    .guard = GuardOptions::all,
    .own = parameters,
    .combinations = combinations,
    .run = ci,
};

} // namespace portguard::tools
