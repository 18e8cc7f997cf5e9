#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "tools/common/output.h"
#include "tools/common/port_text.h"
#include "tools/events/event_words.h"
#include "tools/events/events_report.h"

namespace portguard::tools {
namespace {

// GitHub shows ten annotations of a level and step, and drops the rest without a word.
constexpr std::size_t most_annotations = 10;

/// The toolkit's escapeData and escapeProperty (actions/toolkit, packages/core/src/command.ts).
std::string escaped(std::string_view text, bool in_property) {
    std::string result;
    for (const char character : text) {
        switch (character) {
        case '%': result += "%25"; break;
        case '\r': result += "%0D"; break;
        case '\n': result += "%0A"; break;
        case ':': result += in_property ? "%3A" : ":"; break;
        case ',': result += in_property ? "%2C" : ","; break;
        default: result += character;
        }
    }
    return result;
}

std::filesystem::path workspace() {
    const char* const named = std::getenv("GITHUB_WORKSPACE");
    std::error_code error;
    return named != nullptr ? std::filesystem::path(named) : std::filesystem::current_path(error);
}

/// "<string>" and "node:net" are files of an interpreter's own.
bool is_path(std::string_view file) {
    return !file.empty() && file.find_first_of("<:") == std::string_view::npos;
}

/// "file=server/main.c,line=20,": the innermost call from a source file of the workspace; empty: none.
/// `folder`: what a relative path starts from.
template <typename Frames>
std::string place_in(const Frames& frames, const std::filesystem::path& folder) {
    const std::filesystem::path root = workspace();
    for (const auto& frame : frames) {
        const std::string name = frame.file.value_or("");
        const std::filesystem::path file = folder / name;
        const std::string relative = file.lexically_normal().lexically_relative(root).string();
        if (is_path(name) && file.is_absolute() && !relative.empty() && !relative.starts_with("..")) {
            return "file=" + escaped(shown(relative), true) +
                   ",line=" + std::to_string(frame.line.value_or(1)) + ",";
        }
    }
    return {};
}

std::string place_of(const EventRecord& event) {
    const std::string of_script = place_in(event.script, event.process.cwd.value_or(""));
    return of_script.empty() ? place_in(event.stack, "") : of_script;
}

std::string message_of(const Failure& failure) {
    const EventRecord& event = failure.first.record;
    const Fight& fight = failure.fights.front();
    const ProcessChains chains = chains_of(fight);
    std::string text = shown(event.sentence);
    text += "\nasked: " + shown(chains.asked) + ": " + shown(command_of(fight.asked.argv));
    if (!chains.held.empty()) {
        text += "\nheld: " + shown(chains.held) + ": " + shown(command_of(fight.holder->owners.front().argv));
    }
    const std::string replay = replay_command(event, fight.file, fight.number_in_file);
    return text + (replay.empty() ? "" : "\nreplay: " + shown(replay));
}

std::string level_word(const Failure& failure) {
    // Asked for: 32 of them took all ten places, and no conflict was shown.
    if (failure.first.record.kind == EventKind::injected) {
        return "notice";
    }
    switch (level_of(failure.first.record)) {
    case Level::info: return "notice";
    case Level::warn: return "warning";
    case Level::error: break;
    }
    return "error";
}

std::string annotation(const Failure& failure) {
    const EventRecord& event = failure.first.record;
    std::string title = outcome_of(event);
    title += failure.times > 1 ? ", " + counted(failure.times, "time") : "";
    return "::" + level_word(failure) + " " + place_of(event) + "title=" + escaped(title, true) +
           "::" + escaped(message_of(failure), false) + "\n";
}

} // namespace

std::string events_github(const EventReport& report) {
    std::string text;
    std::size_t shown_count = 0;
    for (const Failure& failure : by_importance(report).failures) {
        if (++shown_count <= most_annotations) {
            text += annotation(failure);
        }
    }
    if (shown_count > most_annotations) {
        text += "::notice title=portguard::" + std::to_string(shown_count - most_annotations) +
                " more; GitHub shows ten a step\n";
    }
    return text;
}

} // namespace portguard::tools
