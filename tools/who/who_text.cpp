#include <algorithm>
#include <map>
#include <tuple>

#include "explain/holder_summary.h"
#include "explain/render_text.h"
#include "explain/sentence.h"
#include "explain/text_block.h"
#include "tools/common/bind_verdict.h"
#include "tools/common/output.h"
#include "tools/common/port_text.h"
#include "tools/who/who_answer.h"

namespace portguard::tools {
namespace {

/// Lines, one each for a socket or for connections that have all in common but their peer.
constexpr std::size_t most_holders = 6;
std::string verdict(const WhoAnswer& answer) {
    std::string plain = "a plain bind: " + probe_words(answer.plain_error);
    if (answer.is_udp()) {
        return plain;
    }
    const auto& error = answer.reuseaddr_error;
    return plain + ", with SO_REUSEADDR: " + (error.has_value() ? probe_words(*error) : "not known");
}

std::string first_line(const WhoAnswer& answer) {
    const std::string protocol = answer.is_udp() ? "UDP " : "TCP ";
    return protocol + describe(answer.asked) + (answer.is_held() ? " is held" : " is free");
}

struct HolderGroup {
    /// Index of the first one.
    std::size_t first = 0;
    std::size_t count = 0;
    bool accepted = false;
};

bool is_listened_on(const HolderReport& report, std::uint16_t port) {
    return std::any_of(report.holders.begin(), report.holders.end(), [port](const Holder& holder) {
        return holder.socket.state == SocketState::listen && holder.socket.local.port == port;
    });
}

/// The one that is the reason first. Connections of one process in one state are one group.
std::vector<HolderGroup> grouped(const HolderReport& report, std::size_t reason, bool verbose) {
    std::map<std::tuple<SocketState, std::string, std::uint16_t>, std::size_t> known;
    std::vector<HolderGroup> groups{{reason, 1, false}};
    for (std::size_t index = 0; index < report.holders.size(); ++index) {
        const Holder& holder = report.holders[index];
        if (index == reason) {
            continue;
        }
        const bool is_connection = holder.socket.remote.port != 0;
        const std::uint16_t port = holder.socket.local.port;
        const auto key = std::tuple(holder.socket.state, describe_owner(report, holder), port);
        const auto [entry, is_new] = known.try_emplace(key, groups.size());
        if (is_connection && !verbose && !is_new) {
            ++groups[entry->second].count;
        } else {
            groups.push_back({index, 1, is_connection && is_listened_on(report, port)});
        }
    }
    return groups;
}

std::string flags_of(const Holder& holder) {
    return (holder.owners.empty() ? "" : ", " + describe_reuseaddr(holder.reuseaddr)) +
           (holder.socket.is_hold() ? ", portguard hold" : "");
}

/// Behind nginx[12] of many.
std::string others_of(const Holder& holder) {
    return holder.owners.size() > 1 ? " and " + std::to_string(holder.owners.size() - 1) + " more" : "";
}

std::string one_line(const HolderReport& report, const HolderGroup& group) {
    const Holder& holder = report.holders[group.first];
    if (group.count == 1) {
        // Of what a listener accepted, the flag was not asked.
        return describe_socket(holder.socket) + (group.accepted ? "" : flags_of(holder)) + ", " +
               describe_owner(report, holder) + others_of(holder);
    }
    const std::string state(state_name(holder.socket.state));
    return counted(group.count, group.accepted ? "accepted connection" : "connection") + " of " +
           describe_owner(report, holder) + ", " + state;
}

/// Where there is little room, broken lines say more than cut ones.
void add_line(const std::string& line, std::size_t width, TextBlock& block) {
    if (width + block.margin() >= TextBlock::columns || width == unlimited_width) {
        block.add_whole("holder", fitted(line, width));
    } else {
        block.add("holder", line);
    }
}

void add_details(const HolderReport& report, const Holder& holder, std::size_t width, TextBlock& block) {
    add_line(describe_socket(holder.socket) + flags_of(holder) +
                 (holder.owners.empty() ? ", " + describe_owner(report, holder) : ""),
             width, block);
    if (holder.owners.empty()) {
        return;
    }
    const Owner& owner = holder.owners.front();
    const ProcessInfo& process = report.process_of(owner);
    const bool is_narrow = block.margin() != TextBlock::indent;
    std::string head =
        (is_narrow ? "pid " : "  pid ") + std::to_string(process.pid) + " fd " + std::to_string(owner.fd);
    head += process.uid.has_value() ? " uid " + std::to_string(*process.uid) : "";
    head += others_of(holder) + ": ";
    const std::size_t used = is_narrow ? 0 : head.size();
    const std::size_t room = width == unlimited_width ? width : width - std::min(width, used);
    const std::string command =
        process.argv.empty() ? shown(process.comm) : fitted_command(process.argv, room);
    if (is_narrow) {
        block.add("holder", head + command);
    } else {
        block.add_whole("holder", head + command);
    }
}

void add_holders(const WhoAnswer& answer, const TextShape& shape, std::size_t width, TextBlock& block) {
    const HolderReport& report = answer.facts.holders;
    if (report.holders.empty()) {
        return;
    }
    const std::vector<HolderGroup> groups = grouped(report, answer.facts.decisive.value_or(0), shape.verbose);
    add_details(report, report.holders[groups.front().first], width, block);
    const std::size_t count = shape.verbose ? groups.size() : std::min(groups.size(), most_holders);
    for (std::size_t index = 1; index < count; ++index) {
        if (shape.verbose) {
            add_details(report, report.holders[groups[index].first], width, block);
        } else {
            add_line(one_line(report, groups[index]), width, block);
        }
    }
    std::size_t left = 0;
    for (std::size_t index = count; index < groups.size(); ++index) {
        left += groups[index].count;
    }
    if (left != 0) {
        block.add("holder", "and " + std::to_string(left) + " more; -v shows them");
    }
}

void add_also(const WhoAnswer& answer, TextBlock& block) {
    const HolderReport& report = answer.facts.holders;
    for (const AlsoListens& also : answer.also_listens) {
        const auto process =
            std::find_if(report.processes.begin(), report.processes.end(),
                         [&also](const ProcessInfo& candidate) { return candidate.pid == also.pid; });
        if (process != report.processes.end()) {
            block.add("also", harmless(process->comm) + "[" + std::to_string(also.pid) + "] " +
                                  tools::describe(also));
        }
    }
}

} // namespace

TextBlock block_for(const std::string& first_line, const TextShape& shape) {
    const TextBlock::Room room = TextBlock::room_of(shape.width, shape.verbose);
    std::string head = wrapped(first_line, "", room.columns);
    head.pop_back();
    return {head, shape.coloured, room};
}

std::string free_line(const WhoAnswer& answer, const TextShape& shape) {
    return block_for(first_line(answer), shape).text() + "\n";
}

std::string who_text(const WhoAnswer& answer, const TextShape& shape) {
    TextBlock block = block_for(first_line(answer), shape);
    const std::size_t width = shape.width == unlimited_width
                                  ? unlimited_width
                                  : shape.width - std::min(shape.width, block.margin());
    block.add("verdict", verdict(answer));
    if (answer.is_held()) {
        const Explanation explanation = explain(answer.facts);
        block.add("cause", explanation.sentence);
        add_holders(answer, shape, width, block);
        add_also(answer, block);
        add_cure_lines(cures_for(answer.facts, explanation), block);
    }
    for (const std::string& what : answer.facts.holders.missing) {
        block.add("missing", what);
    }
    return block.text() + "\n";
}

} // namespace portguard::tools
