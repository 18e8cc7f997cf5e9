// `portguard metrics`.
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>
#include <set>

#include <sys/stat.h>
#include <unistd.h>

#include "tools/cli/command.h"
#include "tools/cli/resolve_config.h"
#include "tools/common/netns.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"
#include "tools/common/replaced_file.h"
#include "tools/metrics/collector.h"
#include "tools/metrics/http_server.h"
#include "tools/metrics/listening.h"

namespace portguard::tools {
namespace {

constexpr std::string_view textfile_name = "textfile";
constexpr std::string_view listen_name = "listen";
constexpr std::string_view plan_name = "plan";
constexpr std::string_view state_name = "state";
constexpr std::string_view journal_option = "journal";
constexpr std::string_view text_name = "text";

constexpr std::array parameters{
    Parameter{textfile_name, "FILE", "", "write for node_exporter's textfile collector, by rename"},
    Parameter{listen_name, "ADDRESS:PORT|systemd", "",
              "serve GET /metrics there; systemd: on the sockets that it passes"},
    Parameter{plan_name, "PORTS", "PORTGUARD_LISTEN, else that of the file",
              "the `listen` of the plan: ports and ranges"},
    Parameter{journal_option, "", "", "count the events of the systemd journal, by journalctl(1)"},
    Parameter{state_name, "FILE", "nothing is kept",
              "keep counts, places in the records, and the last look at the ports"},
    Parameter{text_name, "", "", "print Prometheus' text format 0.0.4, not OpenMetrics"},
    netns_parameter,
};

constexpr std::array combinations{
    Combination{textfile_name, excluded, listen_name},
    Combination{text_name, excluded, textfile_name},
    Combination{text_name, excluded, listen_name},
};

/// As the options of the guard know them: --listen is another here.
Arguments with_plan(Arguments arguments) {
    std::erase_if(arguments.given, [](const auto& entry) { return entry.first == listen_name; });
    for (auto& [name, value] : arguments.given) {
        name = name == plan_name ? std::string(listen_name) : name;
    }
    return arguments;
}

Sources sources_of(const Arguments& arguments, const Config& config) {
    Sources sources{
        .config = config, .records = arguments.operands, .journal = arguments.has(journal_option)};
    if (const std::string* const file = arguments.value(state_name)) {
        sources.state_file = *file;
    } else if (sources.journal && !arguments.has(listen_name)) {
        throw Refusal(ExitCode::usage,
                      "--journal counts what has come since the last time; use --state=FILE, "
                      "which keeps where that was, or --listen");
    }
    return sources;
}

/// Of one namespace among others, whose metrics the same Prometheus reads.
Labels common_labels(const Arguments& arguments) {
    const std::string* const netns = arguments.value(netns_parameter.name);
    return netns == nullptr ? Labels{} : Labels{{"netns", *netns}};
}

/// Each sentence once, until it has not been true meanwhile.
class Complaints {
public:
    void say(const std::vector<std::string>& sentences) {
        const std::set<std::string> now(sentences.begin(), sentences.end());
        for (const std::string& sentence : now) {
            if (!said_.contains(sentence)) {
                std::fprintf(stderr, "portguard: %s\n", sentence.c_str());
            }
        }
        said_ = now;
    }

private:
    std::set<std::string> said_;
};

[[noreturn]] void serve(std::vector<int> listeners, Collector& collector, const Labels& labels) {
    /// However many ask, and whoever they are, the host is looked at once a second.
    constexpr std::chrono::seconds least_age{1};
    Complaints complaints;
    std::vector<MetricFamily> families;
    std::optional<std::chrono::steady_clock::time_point> collected;
    print("ready\n");
    HttpServer server(std::move(listeners), [&](ExpositionFormat format) {
        if (!collected.has_value() || std::chrono::steady_clock::now() - *collected >= least_age) {
            families = collector.collect();
            collected = std::chrono::steady_clock::now();
            complaints.say(collector.complaints());
        }
        return exposition(families, labels, format);
    });
    server.serve();
}

/// Any user may read it: node_exporter runs as its own.
void write_textfile(const std::string& path, const std::string& text) {
    constexpr mode_t for_all = 0644;
    struct stat status {};
    const bool is_other = ::lstat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode);
    const int error = is_other ? EEXIST : write_replacing(path, text, for_all);
    if (error != 0) {
        throw Refusal(ExitCode::failure,
                      "--textfile=" + shown(path) + ": it cannot be written (" +
                          (is_other ? "it is there, and is not a plain file" : std::strerror(error)) +
                          "); use a file such as ports.prom in the folder of node_exporter's "
                          "--collector.textfile.directory, which this user may write to");
    }
}

int metrics(const Arguments& arguments) {
    const ResolvedConfig resolved(with_plan(arguments), environ, Mistakes::reported);
    Collector collector(sources_of(arguments, resolved.draft().config));
    const Labels labels = common_labels(arguments);
    const std::string* const where = arguments.value(listen_name);
    // Before the namespace is entered: who scrapes is in this one.
    std::vector<int> listeners = where == nullptr ? std::vector<int>{} : listening_sockets(*where);
    enter_netns(arguments);
    if (where != nullptr) {
        serve(std::move(listeners), collector, labels);
    }
    const std::vector<MetricFamily> families = collector.collect();
    Complaints().say(collector.complaints());
    if (const std::string* const file = arguments.value(textfile_name)) {
        write_textfile(*file, exposition(families, labels, ExpositionFormat::text));
    } else {
        print(exposition(families, labels,
                         arguments.has(text_name) ? ExpositionFormat::text : ExpositionFormat::openmetrics));
    }
    return static_cast<int>(collector.complaints().empty() ? ExitCode::success : ExitCode::failure);
}

} // namespace

const Command metrics_command{
    .name = "metrics",
    .summary = "ports of this host as metrics for Prometheus: printed, as a textfile, or served",
    .description = R"(
Listeners by process and unit, ports of the plan held and free, collisions as `portguard check` finds them,
ephemeral ports by state and to the ten busiest destinations, time until none is left, TIME_WAIT, and the events
of the records FILE (`portguard run --record=file:FILE`) and of --journal by cause.

With --state no event counts twice, whether a record was renamed, emptied or goes on; without it each run counts
the records from their start. The time until exhaustion needs two looks: --state, or --listen.

What cannot be read is named on stderr, a sentence each, and as portguard_unread_records; the rest is exposed.
A scrape reads /proc, sock_diag and files: no program is stopped, and no socket of one is borrowed. So nothing
tells of SO_REUSEADDR, as `portguard check` does.

A served page is a second old at most; 32 connections at once, 5 seconds and 8,192 bytes for each request.
OpenMetrics goes to who asks for it by Accept, the text format to everybody else. Whoever may connect may read
it: use a loopback address, or a .socket unit.
)",
    .exit_status = R"(
0 exposed
1 exposed, but something could not be read, kept or written; or --listen cannot be had
2 the command line is wrong
)",
    .examples = R"(
portguard metrics --text | promtool check metrics
portguard metrics --textfile=ports.prom --state=ports.state
portguard metrics --listen=127.0.0.1:9798 --plan=5000-14999 events.log
)",
    .operand = {"FILE", 0, 10000},
    .guard = GuardOptions::plan,
    .own = parameters,
    .combinations = combinations,
    .run = metrics,
};

} // namespace portguard::tools
