#include <algorithm>

#include "core/text.h"
#include "tools/common/output.h"
#include "tools/common/port_text.h"
#include "tools/plan/proposal.h"

namespace portguard::tools {
namespace {

constexpr std::size_t width = 80;
constexpr std::size_t label_width = 11;

std::string folded(const std::string& text, std::string_view first, std::string_view later) {
    std::string lines(first);
    std::size_t used = first.size();
    bool is_start = true;
    std::string_view rest = text;
    while (!rest.empty()) {
        // Ports are broken behind their commas, sentences at blanks.
        const std::size_t end = std::min(rest.find_first_of(", "), rest.size() - 1) + 1;
        const std::string_view word = rest.substr(0, end);
        const std::size_t size = word.ends_with(' ') ? end - 1 : end;
        if (!is_start && used + size > width) {
            lines.erase(lines.find_last_not_of(' ') + 1);
            lines.append("\n").append(later);
            used = later.size();
        }
        lines.append(word);
        used += end;
        is_start = false;
        rest.remove_prefix(end);
    }
    return lines + "\n";
}

std::string labelled(const std::string& label, const std::string& text) {
    return folded(text, label + std::string(label_width - label.size(), ' '), std::string(label_width, ' '));
}

std::string or_none(const PortSet& ports) {
    return ports.empty() ? "none" : text_of(ports);
}

/// Of a long list, the beginning: its ports are below, and its lines are the reader's own.
std::string pins_text(const std::vector<Pin>& pins) {
    constexpr std::size_t most_of_list = 10;
    std::string text;
    std::size_t of_list = 0;
    for (const Pin& entry : pins) {
        of_list += entry.is_of_list ? 1 : 0;
        if (!entry.is_of_list || of_list <= most_of_list) {
            text += folded(entry.because + ": " + entry.ports, "", "  ");
        }
    }
    return of_list > most_of_list
               ? text + "and " + counted(of_list - most_of_list, "more line") + " of the list\n"
               : text;
}

std::string load_words(const Proposal& proposal) {
    return counted(proposal.connections, "outgoing connection") + " now, " +
           counted(proposal.split.ports, "port") + " proposed" +
           (is_tight(proposal) ? "; that is tight if they go to one destination" : "");
}

std::string alternative_words(const Proposal& proposal) {
    const Split& other = *proposal.alternative;
    return "keep " + text_of(other.ephemeral) + " and reserve " + text_of(other.reserved) +
           " in it: " + counted(other.ports, "port");
}

std::string commands(const Proposal& proposal, const PlanCommands& lines) {
    std::string text =
        "\nto have it\n  " + lines.apply + "\nto have it back as it was\n  " + lines.revert + "\n";
    if (proposal.alternative.has_value()) {
        text += "for the alternative\n  " + lines.reserve + "\n";
    }
    return text;
}

} // namespace

std::string text_report(const Proposal& proposal, const std::vector<Duplicate>& duplicates,
                        const PlanCommands& lines) {
    std::string text = pins_text(proposal.pins);
    text += text.empty() ? "" : "\n";
    for (const Duplicate& duplicate : duplicates) {
        text += folded("duplicate: " + describe(duplicate), "", "  ");
    }
    const Split& split = proposal.split;
    if (split.ephemeral.empty()) {
        return text + folded("impossible: " + split.obstacle, "", "  ");
    }
    text += labelled("listen", or_none(proposal.listen));
    text += labelled("ephemeral", text_of(split.ephemeral) + " (" + counted(split.ports, "port") + ", now " +
                                      text_of(proposal.host.range) + ")");
    text += labelled("reserved", or_none(split.reserved));
    text += labelled("load", load_words(proposal));
    if (proposal.alternative.has_value()) {
        text += labelled("or", alternative_words(proposal));
    }
    if (split.needs_reserved && !proposal.keeps_range) {
        text += folded("Listeners stand too far apart for a range between them: the range goes around "
                       "them, and only the reserved ports keep connections off.",
                       "", "");
    }
    text += split.remark.empty() ? "" : folded(split.remark + ".", "", "");
    text += is_in_force(proposal) ? "\nThis is in force already.\n" : commands(proposal, lines);
    for (const std::string& clause : proposal.missing) {
        text += folded("left out: " + clause, "", "  ");
    }
    return text;
}

} // namespace portguard::tools
