#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

#include <sys/utsname.h>

#include "explain/script_frame.h"
#include "explain/stack_frame.h"
#include "tools/common/markup.h"
#include "tools/common/port_text.h"
#include "tools/events/event_words.h"
#include "tools/events/events_report.h"
#include "tools/events/html_style.h"
#include "tools/events/timeline.h"

namespace portguard::tools {
namespace {

constexpr std::size_t most_occurrences = 200;
// Beyond them a browser is slow, and no one reads on; the least important are left out.
constexpr std::size_t most_articles = 200;

std::string element(const std::string& tag, std::string_view text) {
    return "<" + tag + ">" + escaped_markup(text) + "</" + tag + ">\n";
}

/// One row of a table: a heading, and what is made already.
std::string row(const char* heading, const std::string& made) {
    return made.empty() ? "" : "<tr><th>" + std::string(heading) + "</th><td>" + made + "</td></tr>\n";
}

std::string code(std::string_view text) {
    return text.empty() ? "" : "<code>" + escaped_markup(text) + "</code>";
}

std::string chain(const std::string& processes, const std::string& command) {
    return processes.empty() ? "" : "<div>" + escaped_markup(processes) + "</div>" + code(command);
}

std::string fight_table(const Fight& fight, const Failure& failure) {
    const ProcessChains chains = chains_of(fight);
    std::string text = "<table class=\"fight\">\n";
    text += row("asked", chain(chains.asked, command_of(fight.asked.argv)));
    text += row("in", code(fight.asked.cwd.value_or("")));
    if (fight.holder.has_value()) {
        text += row("held", escaped_markup(describe(*fight.holder)));
        const auto& owners = fight.holder->owners;
        text += row("by", chain(chains.held, owners.empty() ? "" : command_of(owners.front().argv)));
    }
    if (failure.fights.size() > 1) {
        text += row("times", std::to_string(fight.times));
    }
    text += row("replay", code(replay_command(failure.first.record, fight.file, fight.number_in_file)));
    return text + "</table>\n";
}

std::string cures(const EventRecord& event) {
    std::string list;
    for (const std::string& cure : lasting_cures(event)) {
        list += "<div>" + code(cure) + "</div>";
    }
    return list.empty() ? "" : "<table class=\"cures\">\n" + row("lasting", list) + "</table>\n";
}

std::string holders(const EventRecord& event) {
    if (event.holders.size() < 2) {
        return {};
    }
    std::string text =
        "<details><summary>" + counted(event.holders.size(), "socket") + " in the way</summary>\n<ul>\n";
    for (const RecordedHolder& holder : event.holders) {
        std::string line = describe(holder);
        for (const RecordedOwner& owner : holder.owners) {
            line += "; pid " + std::to_string(owner.pid) + " " + command_of(owner.argv);
        }
        text += element("li", line);
    }
    return text + "</ul></details>\n";
}

std::string stack(const EventRecord& event) {
    if (event.stack.empty()) {
        return {};
    }
    std::string text =
        "<details><summary>stack, " + counted(event.stack.size(), "frame") + "</summary>\n<ol>\n";
    for (const Frame& frame : frames_of(event.stack)) {
        text += element("li", describe(frame));
    }
    return text + "</ol></details>\n";
}

/// Open, since it is what its reader can change.
std::string script(const EventRecord& event) {
    std::string text;
    for (const ScriptFrame& frame : script_of(event)) {
        text += element("li", describe(frame));
    }
    return text.empty() ? text
                        : "<details open><summary>script</summary>\n<ol>\n" + text + "</ol></details>\n";
}

std::string occurrences(const Failure& failure) {
    const std::size_t count = failure.occurrences.size();
    std::string text = "<details><summary>" + counted(count, "event") + "</summary>\n<ul>\n";
    for (std::size_t index = 0; index < std::min(count, most_occurrences); ++index) {
        const FoldedEvent& occurrence = failure.occurrences[index];
        std::string line = "#" + std::to_string(occurrence.number);
        line.append("  ")
            .append(occurrence.time.empty() ? "no time" : occurrence.time)
            .append("  ")
            .append(occurrence.asker);
        line += occurrence.count > 1 ? ", " + std::to_string(occurrence.count) + " times" : "";
        text += element("li", line);
    }
    text += count > most_occurrences ? element("li", std::to_string(count - most_occurrences) + " more") : "";
    return text + "</ul></details>\n";
}

std::string missing(const EventRecord& event) {
    std::string text;
    for (const std::string& what : event.missing) {
        text += element("li", what);
    }
    return text.empty() ? ""
                        : "<details><summary>not found out</summary>\n<ul>\n" + text + "</ul></details>\n";
}

std::string article(const Failure& failure, std::size_t number) {
    const EventRecord& event = failure.first.record;
    const std::string kind(event_name(event.kind));
    std::string text = "<article id=\"f" + std::to_string(number) + "\" class=\"" + kind + "\">\n";
    text += element("h2", outcome_of(event));
    text += "<p class=\"facts\"><span class=\"badge " + kind + "\">" + kind + "</span> " +
            escaped_markup(event.cause) + " · " + counted(failure.times, "time") + " · " +
            escaped_markup(name_and_pid(event.process)) + "</p>\n";
    text += element("p", event.sentence);
    for (const Fight& fight : failure.fights) {
        text += fight_table(fight, failure);
    }
    if (failure.more_fights > 0) {
        text += element("p", counted(failure.more_fights, "event") + " of other commands");
    }
    text += cures(event);
    text += holders(event) + script(event) + stack(event) + occurrences(failure) + missing(event);
    return text + "</article>\n";
}

/// Each kind with how often it is there, in the order of the articles.
std::string legend(const std::vector<Failure>& failures) {
    std::vector<std::pair<EventKind, std::size_t>> kinds;
    for (const Failure& failure : failures) {
        const EventKind kind = failure.first.record.kind;
        const auto found = std::find_if(kinds.begin(), kinds.end(),
                                        [kind](const auto& entry) { return entry.first == kind; });
        if (found == kinds.end()) {
            kinds.emplace_back(kind, 1);
        } else {
            ++found->second;
        }
    }
    std::string text = "<p class=\"legend\">";
    for (const auto& [kind, times] : kinds) {
        const std::string name(event_name(kind));
        text.append("<span class=\"badge ").append(name).append("\">").append(std::to_string(times));
        text.append(" ").append(name).append("</span> ");
    }
    return text + "</p>\n";
}

std::string now() {
    const std::time_t seconds = std::time(nullptr);
    std::tm parts{};
    std::array<char, 32> text{};
    ::gmtime_r(&seconds, &parts);
    std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
    return text.data();
}

/// Where and when the page was made, and of what.
std::string origin(const EventReport& report) {
    utsname host{};
    ::uname(&host);
    std::string text = "host " + std::string(host.nodename) + " · ";
    for (const std::string& file : report.files) {
        text += file + " · ";
    }
    text += "portguard " PORTGUARD_VERSION " · " + now() + " · times are UTC";
    return "<p class=\"origin\">" + escaped_markup(text) + "</p>\n";
}

std::string figure(const std::vector<Failure>& failures) {
    const std::string timeline = timeline_svg(failures, most_articles);
    return timeline.empty() ? timeline
                            : "<figure tabindex=\"0\" aria-label=\"events by port and time\">\n" + timeline +
                                  "</figure>\n";
}

std::string articles(const std::vector<Failure>& failures) {
    std::string text;
    for (std::size_t index = 0; index < std::min(failures.size(), most_articles); ++index) {
        text += article(failures[index], index + 1);
    }
    if (failures.size() > most_articles) {
        text +=
            element("p", counted(failures.size() - most_articles, "failure") +
                             " more, of the least important: portguard events --event=NAME or --port=PORT "
                             "shows fewer at once");
    }
    return text;
}

std::string unread(const EventReport& report) {
    std::string text;
    for (const std::string& what : report.unread) {
        text += element("li", what);
    }
    return text.empty() ? "" : "<h2>Not read</h2>\n<ul>\n" + text + "</ul>\n";
}

} // namespace

std::string events_html(const EventReport& unsorted) {
    const EventReport report = by_importance(unsorted);
    // Nothing is loaded, run or sent, whatever a name in the log contrives.
    std::string text = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                       "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                       "style-src 'unsafe-inline'\">\n"
                       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                       "<title>portguard: port events</title>\n<style>\n";
    text += html_style;
    text += "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#failures\">Skip to the failures</a>\n"
            "<header>\n<h1>Port events</h1>\n";
    text += element("p", summary_line(report)) + legend(report.failures) + origin(report);
    text += "</header>\n<main>\n" + figure(report.failures) + "<div id=\"failures\">\n";
    return text + articles(report.failures) + "</div>\n" + unread(report) + "</main>\n</body>\n</html>\n";
}

} // namespace portguard::tools
