#include <algorithm>

#include "explain/stack_lines.h"
#include "explain/text_block.h"
#include "tools/common/output.h"
#include "tools/common/port_text.h"
#include "tools/events/event_words.h"
#include "tools/events/events_report.h"

namespace portguard::tools {
namespace {

constexpr std::size_t most_fights_shown = 3;
constexpr std::size_t most_frames = 6;
constexpr std::size_t most_other_frames = 4;

std::string first_line(const Failure& failure) {
    const EventRecord& event = failure.first.record;
    return "#" + std::to_string(failure.first.number) + " " + shown(name_and_pid(event.process)) + ": " +
           outcome_of(event);
}

std::string how_often(const Failure& failure) {
    const std::string times = failure.times == 1 ? "once" : std::to_string(failure.times) + " times";
    const auto span = time_span(failure);
    if (!span.has_value()) {
        return times + ", at a time that the log does not name";
    }
    const Instant now = instant_now();
    return times + ", " +
           (failure.times == 1 ? describe_moment(span->first, now)
                               : describe_span(span->first, span->second, now));
}

void add_fight(const Fight& fight, TextBlock& block) {
    const ProcessChains chains = chains_of(fight);
    const std::string command = command_of(fight.asked.argv);
    block.add("asked", shown(chains.asked));
    // A name alone is in the chain already.
    if (!command.empty() && !chains.asked.ends_with(command + "[" + std::to_string(fight.asked.pid) + "]")) {
        block.add_cut("asked", "  " + shown(command));
    }
    if (!fight.holder.has_value()) {
        return;
    }
    block.add_cut("held", describe(*fight.holder));
    if (chains.held.empty()) {
        return;
    }
    block.add("held", shown(chains.held));
    block.add_cut("held", "  " + shown(command_of(fight.holder->owners.front().argv)));
}

void add_fights(const Failure& failure, TextBlock& block) {
    const std::size_t count = std::min(failure.fights.size(), most_fights_shown);
    for (std::size_t index = 0; index < count; ++index) {
        add_fight(failure.fights[index], block);
    }
    const std::uint64_t more = failure.fights.size() - count + failure.more_fights;
    if (more > 0) {
        block.add("others", counted(more, "more pair") + " of commands");
    }
}

void add_remembered(std::string_view label, const std::optional<RecordedCall>& call, TextBlock& block) {
    if (!call.has_value()) {
        return;
    }
    block.add_cut(label, shown(describe(*call)));
    const std::vector<Frame> frames = frames_of(call->stack);
    for (std::size_t index = 0; index < std::min(frames.size(), most_other_frames); ++index) {
        block.add_cut(label, "  " + shown(describe(frames[index])));
        if (frames[index].symbol == "main") {
            return;
        }
    }
}

/// Of the first of the events.
void add_other_stacks(const EventRecord& event, TextBlock& block) {
    add_remembered("picked", event.picked, block);
    const auto remembered =
        std::find_if(event.holders.begin(), event.holders.end(),
                     [](const RecordedHolder& holder) { return holder.taken.has_value(); });
    if (remembered != event.holders.end()) {
        add_remembered(remembered->taken->of_listener ? "listened" : "taken", remembered->taken, block);
    }
}

std::string block_of(const Failure& failure, bool coloured, std::size_t width) {
    const EventRecord& event = failure.first.record;
    TextBlock block(first_line(failure), coloured, TextBlock::room_of(width));
    block.add("times", how_often(failure));
    block.add("cause", shown_sentence(event));
    add_fights(failure, block);
    add_other_stacks(event, block);
    for (const std::string& cure : lasting_cures(event)) {
        block.add("lasting", shown(cure));
    }
    const Fight& fight = failure.fights.front();
    const std::string replay = replay_command(event, fight.file, fight.number_in_file);
    if (!replay.empty()) {
        block.add_command("replay", shown(replay));
    }
    const StackLines stack = stack_lines(frames_of(event.stack), script_of(event), most_frames);
    for (const std::string& line : stack.lines) {
        block.add_cut("stack", shown(line));
    }
    if (!stack.folded.empty()) {
        block.add_cut("stack", "and " + shown(stack.folded));
    }
    for (const std::string& what : event.missing) {
        block.add("missing", shown(what));
    }
    return block.text() + "\n";
}

} // namespace

EventReport by_importance(EventReport report) {
    std::stable_sort(report.failures.begin(), report.failures.end(),
                     [](const Failure& left, const Failure& right) { return left.rank() < right.rank(); });
    return report;
}

bool EventReport::has_errors() const {
    return std::any_of(failures.begin(), failures.end(),
                       [](const Failure& failure) { return failure.is_error(); });
}

std::string summary_line(const EventReport& report) {
    const auto errors =
        static_cast<std::size_t>(std::count_if(report.failures.begin(), report.failures.end(),
                                               [](const Failure& failure) { return failure.is_error(); }));
    const std::size_t others = report.failures.size() - errors;
    std::string text = errors == 0 ? "no failure" : counted(errors, "failure");
    text += others == 0 ? "" : " and " + counted(others, "other finding");
    text += " in " + counted(report.events, "event");
    return text + (report.unread.empty() ? "" : "; not everything could be read");
}

std::string events_blocks(const EventReport& report, bool coloured, std::size_t width) {
    std::string text;
    for (const Failure& failure : report.failures) {
        text += block_of(failure, coloured, width) + "\n";
    }
    return text;
}

std::string events_text(const EventReport& report, bool coloured, std::size_t width) {
    return events_blocks(report, coloured, width) + summary_line(report) + "\n";
}

} // namespace portguard::tools
