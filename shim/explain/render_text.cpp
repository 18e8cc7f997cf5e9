#include "explain/render_text.h"

#include <algorithm>
#include <limits>

#include "core/text.h"
#include "explain/holder_summary.h"
#include "explain/sentence.h"
#include "explain/stack_lines.h"
#include "explain/text_block.h"

namespace portguard {
namespace {

constexpr std::size_t most_holders = 5;
constexpr std::size_t most_frames = 10;

std::string held_by(const Facts& facts) {
    const std::string holders = summarize_holders(facts.holders);
    if (facts.event.kind == EventKind::cured) {
        return holders.empty() ? "what held it is gone" : "was held by " + holders;
    }
    return holders.empty() ? std::string{} : "held by " + holders;
}

/// Where the kind of the event says more than was found: empty elsewhere.
std::string_view outcome_words(const Report& report) {
    switch (report.explanation.cause) {
    case Cause::privileged_port: return {};
    case Cause::four_tuple_in_use: return "connection exists";
    default: return report.facts.event.kind == EventKind::privileged ? "not permitted" : "";
    }
}

std::string first_line(const Report& report) {
    const Facts& facts = report.facts;
    Text<1024> line;
    print_event_head(facts.event, line, outcome_words(report));
    Text<512> known;
    print_known_reason(facts.event, *facts.config, known);
    std::string why(known.view());
    const bool has_no_holder = report.explanation.holder == nullptr && facts.event.kind != EventKind::cured;
    if (why.empty() && (is_harmless(report.explanation.cause) || has_no_holder)) {
        why = report.explanation.sentence;
    }
    if (why.empty() && facts.holders_asked) {
        why = held_by(facts);
    }
    if (why.empty()) {
        why = report.explanation.sentence;
    }
    line.add(": ").add(why);
    if (!report.explanation.in_enforce.empty()) {
        line.add("; ").add(report.explanation.in_enforce);
    }
    if (report.count > 1) {
        line.add(" (").add_number(report.count).add(" times)");
    }
    return std::string(line.view());
}

void add_holder(const Facts& facts, const Holder& holder, TextBlock& block) {
    block.add_cut("holder", describe_holder(facts.holders, holder));
    if (!holder.owners.empty()) {
        block.add_cut("holder", "  " + describe_first_owner(facts.holders, holder));
    }
}

void add_holders(const Facts& facts, std::size_t reserved_lines, TextBlock& block) {
    const auto& holders = facts.holders.holders;
    const std::size_t left = block.lines_left();
    const std::size_t room = left > reserved_lines ? left - reserved_lines : 0;
    std::size_t shown = 0;
    for (const Holder& holder : holders) {
        // Two lines each, and one for the rest.
        if (shown == most_holders || left - block.lines_left() + 3 > room) {
            break;
        }
        add_holder(facts, holder, block);
        ++shown;
    }
    if (holders.size() > shown) {
        block.add("holder", "and " + std::to_string(holders.size() - shown) + " more");
    }
}

void add_advice(const Report& report, const std::vector<std::string>& missing, TextBlock& block) {
    add_cure_lines(report.cures, block);
    for (const std::string& what : missing) {
        block.add("missing", what);
    }
}

std::size_t lines_of_advice(const Report& report, const std::vector<std::string>& missing) {
    TextBlock block("", false);
    add_advice(report, missing, block);
    return TextBlock::most_lines - 1 - block.lines_left();
}

/// "4 ESTABLISHED, 2 TIME_WAIT" and "10.0.0.1:80 (4), 10.0.0.2:80 (2)".
void add_ports(const PortUsage& usage, TextBlock& block) {
    std::string states;
    for (const PortUsage::StateCount& entry : usage.states) {
        states += states.empty() ? "" : ", ";
        states += std::to_string(entry.sockets) + " " + std::string(state_name(entry.state));
    }
    if (!states.empty()) {
        block.add("in use", states);
    }
    for (const PortUsage::DestinationCount& entry : usage.destinations) {
        Text<64> line;
        print_endpoint(entry.endpoint, line);
        block.add_cut("by", std::string(line.view()) + ": " + std::to_string(entry.sockets));
    }
}

void add_stack(const Stack& stack, std::size_t reserved_lines, TextBlock& block) {
    const std::size_t room = block.lines_left() > reserved_lines ? block.lines_left() - reserved_lines : 0;
    // One line for what is folded.
    const std::size_t others = stack.script.empty() ? 0 : 1;
    const StackLines shown =
        stack_lines(stack.frames, stack.script, std::min(most_frames, room - std::min(room, others)));
    for (const std::string& line : shown.lines) {
        block.add_cut("stack", harmless(line));
    }
    if (!shown.folded.empty() && room != 0) {
        block.add("stack", "and " + harmless(shown.folded) + " (--stack=full)");
    }
}

/// For stack=full, however many lines that is.
std::string stack_block(const Stack& stack, bool coloured) {
    TextBlock block("", coloured, {TextBlock::columns, std::numeric_limits<std::size_t>::max()});
    for (const ScriptFrame& frame : stack.script) {
        block.add_cut("stack", harmless(describe(frame)));
    }
    for (const std::string& line : every_line(stack.frames)) {
        block.add_cut(stack.script.empty() ? "stack" : "native", harmless(line));
    }
    return block.text();
}

void add_remembered(std::string_view label, const RememberedCall& call, std::size_t most, TextBlock& block) {
    block.add_cut(label, describe(call));
    for (std::size_t index = 0; index < std::min(call.stack.frames.size(), most); ++index) {
        block.add_cut(label, "  " + harmless(describe(call.stack.frames[index])));
        if (call.stack.frames[index].symbol == "main") {
            return;
        }
    }
}

/// Where the port was taken, and by whom it had been picked: two lines and two frames of each, where there is
/// room.
void add_other_stacks(const Facts& facts, std::size_t reserved_lines, TextBlock& block) {
    constexpr std::size_t most = 3;
    const auto has_room = [&] { return block.lines_left() > reserved_lines + most + 1; };
    if (facts.picked.has_value() && has_room()) {
        add_remembered("picked", *facts.picked, most, block);
    }
    if (facts.decisive.has_value() && facts.about_decisive().taken.has_value() && has_room()) {
        const RememberedCall& taken = *facts.about_decisive().taken;
        add_remembered(taken.is_of_socket ? "taken" : "listened", taken, most, block);
    }
}

} // namespace

void add_cure_lines(const std::vector<Cure>& cures, TextBlock& block) {
    for (const Cure& cure : cures) {
        if (cure.lasting) {
            block.add("lasting", cure.command);
        } else {
            block.add_command("now", cure.command);
        }
    }
}

std::string render_text(const Report& report, bool coloured) {
    const Facts& facts = report.facts;
    TextBlock block(first_line(report), coloured);
    // What is no more than information takes a line: as a rule there is nothing to be done.
    const Level level = level_of(facts.event.kind, facts.event.protocol, report.explanation.cause);
    if (level == Level::info) {
        return block.text();
    }
    // Without a holder the first line has said it.
    if (report.explanation.holder != nullptr) {
        block.add("cause", report.explanation.sentence);
    }
    const std::vector<std::string> missing = report.missing();
    add_holders(facts, lines_of_advice(report, missing), block);
    add_other_stacks(facts, lines_of_advice(report, missing), block);
    if (facts.ports.has_value()) {
        add_ports(*facts.ports, block);
    }
    add_cure_lines(report.cures, block);
    const bool is_full = facts.config->stack == StackView::full;
    if (!is_full) {
        add_stack(facts.stack, missing.size(), block);
    }
    for (const std::string& what : missing) {
        block.add("missing", what);
    }
    return block.text() + (is_full ? stack_block(facts.stack, coloured) : "");
}

} // namespace portguard
