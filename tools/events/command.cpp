// `portguard events`.
#include <array>
#include <cstdio>
#include <memory>
#include <optional>

#include <unistd.h>

#include "tools/cli/command.h"
#include "tools/common/colour.h"
#include "tools/common/json_output.h"
#include "tools/common/output.h"
#include "tools/common/port_text.h"
#include "tools/common/refusal.h"
#include "tools/common/terminal_width.h"
#include "tools/events/filter.h"
#include "tools/events/following.h"
#include "tools/events/journal.h"
#include "tools/events/outlets.h"

namespace portguard::tools {
namespace {

constexpr Parameter journal_parameter{"journal", "", "", "read the systemd journal, by journalctl(1)"};
constexpr Parameter unit_parameter{"unit", "NAME", "", "only what this unit logged; with --journal"};
constexpr Parameter follow_parameter{"follow", "", "", "go on, and show each event as it is written"};

constexpr std::array parameters{
    event_filter,     cause_filter,   port_filter,      call_filter,       program_filter, pid_filter,
    since_filter,     until_filter,   follow_parameter, journal_parameter, unit_parameter, junit_parameter,
    github_parameter, html_parameter, color_parameter,  json_parameter,
};

constexpr std::array combinations{
    Combination{github_parameter.name, excluded, json_parameter.name},
    Combination{color_parameter.name, excluded, json_parameter.name},
    Combination{unit_parameter.name, needed, journal_parameter.name},
};

JournalQuery journal_query(const Arguments& arguments, const EventFilter& filter) {
    const std::string* const unit = arguments.value(unit_parameter.name);
    return {unit == nullptr ? std::string() : *unit,
            filter.since(),
            filter.until(),
            {},
            arguments.has(follow_parameter.name)};
}

void check_sources(const Arguments& arguments) {
    const bool is_journal = arguments.has(journal_parameter.name);
    if (!is_journal && arguments.operands.empty()) {
        throw Refusal(ExitCode::usage, "no FILE is given; `portguard events` reads one, or the journal with "
                                       "--journal, and `portguard events --help` lists what there is");
    }
    for (const Parameter& report : {junit_parameter, github_parameter, html_parameter}) {
        if (arguments.has(follow_parameter.name) && arguments.has(report.name)) {
            throw Refusal(ExitCode::usage,
                          spelled(report.name) +
                              " is written at the end, and --follow has none; leave one out");
        }
    }
}

/// Says how many events no span of time has, since their logs name none.
class Passing {
public:
    explicit Passing(const EventFilter& filter) : filter_(filter) {}

    bool passes(const EventRecord& event) {
        timeless_ += filter_.asks_for_time() && event.time.empty() ? 1 : 0;
        return filter_.passes(event);
    }
    [[nodiscard]] std::string complaint() const {
        return timeless_ == 0
                   ? std::string()
                   : counted(timeless_, "event") + " left out by --since or --until: the log names no time";
    }

private:
    const EventFilter& filter_;
    std::uint64_t timeless_ = 0;
};

void add_unless_empty(std::string text, std::vector<std::string>& texts) {
    if (!text.empty()) {
        texts.push_back(std::move(text));
    }
}

EventReport read_report(const Arguments& arguments) {
    const EventFilter filter(arguments);
    Passing passing(filter);
    EventReport report;
    Folding folding;
    const TakeEvent take = [&](LoggedEvent event) {
        if (passing.passes(event.record)) {
            ++report.events;
            folding.add(std::move(event));
        }
    };
    std::uint64_t events = 0;
    report.unread = read_event_logs(arguments.operands, take, events);
    report.files = arguments.operands;
    if (arguments.has(journal_parameter.name)) {
        JournalProcess journal(journal_query(arguments, filter));
        LogReader log(std::string(journal_name), journal.take_output(), events, take);
        while (log.read_more()) {
        }
        log.end();
        add_unless_empty(log.complaint(), report.unread);
        add_unless_empty(journal.finish(), report.unread);
        report.files.emplace_back(journal_name);
    }
    add_unless_empty(passing.complaint(), report.unread);
    report.failures = folding.failures();
    return report;
}

int end_with(const EventReport& report) {
    for (const std::string& what : report.unread) {
        std::fprintf(stderr, "portguard: %s\n", what.c_str());
    }
    return static_cast<int>(report.has_errors() || !report.unread.empty() ? ExitCode::findings
                                                                          : ExitCode::success);
}

/// What stands in files already is folded, and everything else is shown as it comes.
class Live {
public:
    Live(bool json, bool coloured) : json_(json), coloured_(coloured) {}

    void take(LoggedEvent event) {
        if (json_) {
            print(event.record.json + "\n");
            return;
        }
        Folding single;
        (is_live_ ? single : earlier_).add(std::move(event));
        if (is_live_) {
            show(single);
        }
    }
    void go_on() {
        show(earlier_);
        is_live_ = true;
    }

private:
    void show(const Folding& folding) const {
        EventReport report;
        report.failures = folding.failures();
        print(events_blocks(report, coloured_, width_of_terminal(STDOUT_FILENO)));
    }

    Folding earlier_;
    bool json_;
    bool coloured_;
    bool is_live_ = false;
};

int follow(const Arguments& arguments) {
    const EventFilter filter(arguments);
    Live live(arguments.has(json_parameter.name), wants_colour(arguments, STDOUT_FILENO));
    const TakeEvent take = [&](LoggedEvent event) {
        if (filter.passes(event.record)) {
            live.take(std::move(event));
        }
    };
    std::uint64_t events = 0;
    std::vector<std::unique_ptr<LogReader>> logs;
    for (const std::string& file : arguments.operands) {
        logs.push_back(std::make_unique<LogReader>(file, open_log(file), events, take));
        if (logs.back()->is_file()) {
            logs.back()->read_file();
        }
    }
    live.go_on();
    std::optional<JournalProcess> journal;
    if (arguments.has(journal_parameter.name)) {
        journal.emplace(journal_query(arguments, filter));
        logs.push_back(
            std::make_unique<LogReader>(std::string(journal_name), journal->take_output(), events, take));
    }
    follow_logs(logs);
    EventReport report;
    for (const auto& log : logs) {
        add_unless_empty(log->complaint(), report.unread);
    }
    if (journal.has_value()) {
        add_unless_empty(journal->finish(), report.unread);
    }
    return end_with(report);
}

int events(const Arguments& arguments) {
    check_sources(arguments);
    if (arguments.has(follow_parameter.name)) {
        return follow(arguments);
    }
    const ReportFiles files(arguments);
    if (files.take_stdout() && arguments.has(json_parameter.name)) {
        throw Refusal(ExitCode::usage, "--json and - of --junit or --html both go to standard output; name a "
                                       "file");
    }
    const EventReport report = read_report(arguments);
    files.write(report);
    if (!files.take_stdout()) {
        const bool coloured = wants_colour(arguments, STDOUT_FILENO);
        print(arguments.has(json_parameter.name) ? events_json(report)
              : arguments.has(github_parameter.name)
                  ? events_github(report)
                  : events_text(report, coloured, width_of_terminal(STDOUT_FILENO)));
    }
    return end_with(report);
}

} // namespace

const Command events_command{
    .name = "events",
    .summary = "reads event logs: filters, folds, prints text, JSON, JUnit or HTML",
    .description = R"(
Reads what --log=file:PATH has written, and the first lines of reports for people, whatever syslog, the journal
or a container's log put before them. Events with the same call, address, cause and stack are one failure.

A file may be gzipped, and - is standard input.
With a failure stand the processes that fought over the port. Lines that are not events are named on stderr,
one sentence per file, and affect no other. Times are local, as journalctl has them (TZ=UTC changes that). A
syslog that names no year is taken to be of the last twelve months. The page of --html loads nothing.

--follow shows what is there, then each event as it is written, also when the file is renamed or emptied; with
--json that is one event per line.
)",
    .exit_status = R"(
0 no failure
1 failures, or something could not be read
2 the command line is wrong
)",
    .examples = R"(
portguard events ports.log
portguard events --since=yesterday --until=today /var/log/portguard/*.log
portguard events --journal --unit=redis-server --since=-1d
portguard events --github --junit=ports.xml --html=ports.html ports.log
)",
    .operand = {"FILE", 0, 10000},
    .own = parameters,
    .combinations = combinations,
    .run = events,
};

} // namespace portguard::tools
