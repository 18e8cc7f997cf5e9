#include "tools/events/event_words.h"

#include <algorithm>
#include <iterator>

#include "core/text.h"
#include "explain/cause.h"
#include "explain/holder_summary.h"
#include "explain/remembered.h"
#include "explain/script_frame.h"
#include "explain/stack_frame.h"
#include "tools/common/output.h"
#include "tools/common/port_text.h"

namespace portguard::tools {
namespace {

using Path = std::vector<Ancestor>;

/// Of a chain that is compared with no other, the end tells most.
constexpr std::size_t most_alone = 4;

constexpr std::size_t longest_command = 1000;

std::string name_of(const std::optional<std::vector<std::string>>& argv) {
    return argv.has_value() && !argv->empty() ? std::string(base_name(argv->front())) : std::string();
}

/// From the oldest ancestor down to the process itself, without init.
Path path_to(const std::vector<Ancestor>& ancestors, const Ancestor& self) {
    Path path;
    std::copy_if(ancestors.rbegin(), ancestors.rend(), std::back_inserter(path),
                 [](const Ancestor& ancestor) { return ancestor.pid != 1; });
    path.push_back(self);
    return path;
}

std::string text_of(const Path& path, std::size_t first) {
    std::string text;
    for (std::size_t index = first; index < path.size(); ++index) {
        text += text.empty() ? "" : " > ";
        text += path[index].comm + "[" + std::to_string(path[index].pid) + "]";
    }
    return text;
}

} // namespace

std::string name_and_pid(const RecordedProcess& process) {
    std::string name = name_of(process.argv);
    if (name.empty()) {
        name = base_name(process.exe.value_or("?"));
    }
    return name + "[" + std::to_string(process.pid) + "]";
}

Level level_of(const EventRecord& event) {
    return level_of(event.kind, event.protocol, cause_named(event.cause).value_or(Cause::unknown));
}

std::string command_of(const std::optional<std::vector<std::string>>& argv) {
    std::string text = name_of(argv);
    for (std::size_t index = 1; argv.has_value() && index < argv->size(); ++index) {
        if (text.size() > longest_command) {
            return text.substr(0, longest_command) + "...";
        }
        text += " " + (*argv)[index];
    }
    return text.substr(0, longest_command);
}

std::string outcome_of(const EventRecord& event) {
    Event told;
    told.kind = event.kind;
    told.call = event.call;
    told.protocol = event.protocol;
    told.error = event.error.value_or(0);
    told.asked = event.asked;
    told.unix_name = event.unix_name;
    Text<256> head;
    print_event_outcome(told, head);
    return std::string(head.view());
}

std::string shown_sentence(const EventRecord& event) {
    constexpr std::string_view arrow = "\u2192";
    std::string text;
    std::string_view rest = event.sentence;
    for (std::size_t place = rest.find(arrow); place != std::string_view::npos; place = rest.find(arrow)) {
        text += shown(rest.substr(0, place)) + std::string(arrow);
        rest.remove_prefix(place + arrow.size());
    }
    return text + shown(rest);
}

std::string describe(const RecordedHolder& holder) {
    if (!holder.unix_name.empty()) {
        return holder.unix_name + " " + std::string(state_name(holder.state));
    }
    constexpr double longest_ms = 1e9;
    DiagSocket socket;
    socket.local = holder.local;
    socket.remote = holder.remote.value_or(Endpoint{});
    socket.state = holder.state;
    if (holder.timer_s.has_value()) {
        socket.timer_ms = static_cast<std::uint32_t>(std::clamp(*holder.timer_s * 1000, 0.0, longest_ms));
        return describe_socket(socket);
    }
    return describe_socket(socket) + ", " + describe_reuseaddr(holder.options.reuseaddr);
}

std::vector<Frame> frames_of(const std::vector<RecordedFrame>& stack) {
    std::vector<Frame> frames;
    frames.reserve(stack.size());
    for (const RecordedFrame& frame : stack) {
        frames.push_back({frame.module.value_or(""), frame.offset, frame.build_id.value_or(""),
                          frame.symbol.value_or(""), frame.file.value_or(""), frame.line.value_or(0),
                          frame.is_interpreters});
    }
    return frames;
}

std::vector<ScriptFrame> script_of(const EventRecord& event) {
    std::vector<ScriptFrame> frames;
    frames.reserve(event.script.size());
    for (const RecordedScriptFrame& frame : event.script) {
        frames.push_back({frame.function.value_or(""), frame.file.value_or(""), frame.line.value_or(0)});
    }
    return frames;
}

std::string describe(const RecordedCall& call) {
    constexpr double ns_per_s = 1e9;
    // No event is older than the machine; what a log says may be anything.
    constexpr double most = 1e9;
    const auto age_ns = static_cast<std::uint64_t>(std::clamp(call.age_s, 0.0, most) * ns_per_s);
    return std::string(call_name(call.call)) + " in " + call.program + "[" + std::to_string(call.pid) + "]" +
           (call.ended == true ? " (ended), " : ", ") + describe_age(age_ns) + " before";
}

ProcessChains chains_of(const Fight& fight) {
    const std::string asker = name_and_pid(fight.asked);
    const Path asked = path_to(fight.asked.ancestors, {fight.asked.pid, asker.substr(0, asker.rfind('['))});
    if (!fight.holder.has_value() || fight.holder->owners.empty()) {
        return {text_of(asked, asked.size() - std::min(asked.size(), most_alone)), {}};
    }
    const RecordedOwner& owner = fight.holder->owners.front();
    const std::string name = name_of(owner.argv);
    const Path held = path_to(owner.ancestors, {owner.pid, name.empty() ? "?" : name});
    const auto differ =
        std::mismatch(asked.begin(), asked.end(), held.begin(), held.end(),
                      [](const Ancestor& left, const Ancestor& right) { return left.pid == right.pid; });
    const auto common = static_cast<std::size_t>(differ.first - asked.begin());
    const std::size_t first = common == 0 ? 0 : common - 1;
    return {text_of(asked, first), text_of(held, first)};
}

std::vector<std::string> lasting_cures(const EventRecord& event) {
    std::vector<std::string> commands;
    for (const RecordedCure& cure : event.cures) {
        if (cure.lasting) {
            commands.push_back(cure.command);
        }
    }
    return commands;
}

std::string replay_command(const EventRecord& event, const std::string& file, std::uint64_t number_in_file) {
    if (event.kind != EventKind::in_use || !event.unix_name.empty() || event.is_from_text ||
        file == standard_input_name || file == journal_name) {
        return {};
    }
    return "portguard repro " + shell_word(file) + " --event " + std::to_string(number_in_file);
}

} // namespace portguard::tools
