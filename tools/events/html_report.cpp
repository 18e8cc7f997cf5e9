#include <algorithm>
#include <array>

#include "tools/common/port_text.h"
#include "tools/events/event_words.h"
#include "tools/events/events_report.h"
#include "tools/events/html_style.h"
#include "tools/events/markup.h"
#include "tools/events/timeline.h"

namespace portguard::tools {
namespace {

constexpr std::size_t most_occurrences = 200;

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
    for (const RecordedFrame& frame : event.stack) {
        text += element("li", describe(frame));
    }
    return text + "</ol></details>\n";
}

std::string occurrences(const Failure& failure) {
    const std::size_t count = failure.occurrences.size();
    std::string text = "<details><summary>" + counted(count, "event") + "</summary>\n<ul>\n";
    for (std::size_t index = 0; index < std::min(count, most_occurrences); ++index) {
        const Occurrence& occurrence = failure.occurrences[index];
        std::string line = "#" + std::to_string(occurrence.number);
        line.append("  ").append(occurrence.time).append("  ").append(occurrence.asker);
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
    text += holders(event) + stack(event) + occurrences(failure) + missing(event);
    return text + "</article>\n";
}

std::string legend(const std::vector<Failure>& failures) {
    std::vector<EventKind> kinds;
    for (const Failure& failure : failures) {
        const EventKind kind = failure.first.record.kind;
        if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) {
            kinds.push_back(kind);
        }
    }
    std::string text = "<figcaption>";
    for (const EventKind kind : kinds) {
        const std::string name(event_name(kind));
        text.append("<span class=\"badge ").append(name).append("\">").append(name).append("</span> ");
    }
    return text + "from " + escaped_markup(failures.front().first.record.time.substr(0, 10)) +
           ", times are UTC</figcaption>\n";
}

std::string unread(const EventReport& report) {
    std::string text;
    for (const std::string& what : report.unread) {
        text += element("li", what);
    }
    return text.empty() ? "" : "<h2>Not read</h2>\n<ul>\n" + text + "</ul>\n";
}

} // namespace

std::string events_html(const EventReport& report) {
    // Nothing is loaded, run or sent, whatever a name in the log contrives.
    std::string text = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                       "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                       "style-src 'unsafe-inline'\">\n"
                       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                       "<title>portguard: port events</title>\n<style>\n";
    text += html_style;
    text += "</style>\n</head>\n<body>\n<header>\n<h1>Port events</h1>\n";
    text += element("p", summary_line(report));
    text += "</header>\n<main>\n";
    if (!report.failures.empty()) {
        text += "<figure>\n" + timeline_svg(report.failures) + legend(report.failures) + "</figure>\n";
    }
    for (std::size_t index = 0; index < report.failures.size(); ++index) {
        text += article(report.failures[index], index + 1);
    }
    return text + unread(report) + "</main>\n</body>\n</html>\n";
}

} // namespace portguard::tools
