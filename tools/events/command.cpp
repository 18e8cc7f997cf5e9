// `portguard events`.
#include <array>
#include <cstdio>

#include <unistd.h>

#include "tools/cli/command.h"
#include "tools/common/json_output.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"
#include "tools/events/filter.h"
#include "tools/events/outlets.h"

namespace portguard::tools {
namespace {

constexpr std::array parameters{
    event_filter, cause_filter, port_filter,     call_filter,      program_filter, pid_filter,
    since_filter, until_filter, junit_parameter, github_parameter, html_parameter, json_parameter,
};

using enum Combination::Kind;
constexpr std::array combinations{
    Combination{github_parameter.name, excluded, json_parameter.name},
};

EventReport read_report(const Arguments& arguments) {
    const EventFilter filter(arguments);
    EventReport report;
    Folding folding;
    report.unread = read_event_logs(arguments.operands, [&](LoggedEvent event) {
        if (filter.passes(event.record)) {
            ++report.events;
            folding.add(std::move(event));
        }
    });
    report.failures = folding.failures();
    report.files = arguments.operands;
    return report;
}

int events(const Arguments& arguments) {
    const ReportFiles files(arguments);
    if (files.take_stdout() && arguments.has(json_parameter.name)) {
        throw Refusal(ExitCode::usage, "--json and - of --junit or --html both go to standard output; name a "
                                       "file");
    }
    const EventReport report = read_report(arguments);
    files.write(report);
    if (!files.take_stdout()) {
        const bool coloured = wants_colour(STDOUT_FILENO);
        print(arguments.has(json_parameter.name)     ? events_json(report)
              : arguments.has(github_parameter.name) ? events_github(report)
                                                     : events_text(report, coloured));
    }
    for (const std::string& what : report.unread) {
        std::fprintf(stderr, "portguard: %s\n", what.c_str());
    }
    return static_cast<int>(report.has_errors() || !report.unread.empty() ? ExitCode::findings
                                                                          : ExitCode::success);
}

} // namespace

const Command events_command{
    .name = "events",
    .summary = "reads event logs: filters, folds, prints text, JSON, JUnit or HTML",
    .description = R"(
Reads what --log=file:PATH --format=json has written; a file may be gzipped, and - is standard input. Events
with the same call, address, cause and stack are shown as one failure.

With a failure stand the processes that fought over the port. A line that is not an event is named on stderr,
and affects no other. The page of --html loads nothing.
)",
    .exit_status = R"(
0 no failure
1 failures, or something could not be read
2 the command line is wrong
)",
    .examples = R"(
portguard events ports.log
portguard events --event=in_use --port=8000-8999 ports.log.1.gz ports.log
portguard events --github --junit=ports.xml --html=ports.html ports.log
)",
    .operand = {"FILE", 1, 10000},
    .own = parameters,
    .combinations = combinations,
    .run = events,
};

} // namespace portguard::tools
