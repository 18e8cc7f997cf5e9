#include <sstream>

#include "explain/script_frame.h"
#include "explain/stack_frame.h"
#include "tools/common/markup.h"
#include "tools/common/port_text.h"
#include "tools/events/event_words.h"
#include "tools/events/events_report.h"

namespace portguard::tools {
namespace {

/// Line by line, since escaped_markup takes a newline for a control character.
std::string escaped_lines(const std::string& text) {
    std::istringstream lines(text);
    std::string result;
    for (std::string line; std::getline(lines, line);) {
        result += escaped_markup(line) + "\n";
    }
    return result;
}

std::string described(const Failure& failure) {
    const EventRecord& event = failure.first.record;
    std::string text = event.sentence + "\n";
    for (const Fight& fight : failure.fights) {
        const ProcessChains chains = chains_of(fight);
        text += "asked " + chains.asked + ": " + command_of(fight.asked.argv) + "\n";
        if (fight.holder.has_value()) {
            text += "held " + describe(*fight.holder) + "\n";
        }
        if (!chains.held.empty()) {
            text += "held " + chains.held + ": " + command_of(fight.holder->owners.front().argv) + "\n";
        }
        const std::string replay = replay_command(event, fight.file, fight.number_in_file);
        text += replay.empty() ? "" : "replay " + replay + "\n";
    }
    for (const std::string& cure : lasting_cures(event)) {
        text += "lasting " + cure + "\n";
    }
    for (const ScriptFrame& frame : script_of(event)) {
        text += "script " + describe(frame) + "\n";
    }
    for (const Frame& frame : frames_of(event.stack)) {
        text += "stack " + describe(frame) + "\n";
    }
    return text;
}

std::string test_case(const Failure& failure) {
    const EventRecord& event = failure.first.record;
    const std::string name = outcome_of(event) + " #" + std::to_string(failure.first.number);
    const std::string head = "  <testcase classname=\"portguard." + std::string(event_name(event.kind)) +
                             "\" name=\"" + escaped_markup(name) + "\" time=\"0\">\n";
    const std::string body = escaped_lines(described(failure));
    if (!failure.is_error()) {
        return head + "    <system-out>" + body + "</system-out>\n  </testcase>\n";
    }
    const std::string message =
        event.sentence + (failure.times > 1 ? " (" + counted(failure.times, "time") + ")" : "");
    return head + "    <failure type=\"" + escaped_markup(event.cause) + "\" message=\"" +
           escaped_markup(message) + "\">" + body + "</failure>\n  </testcase>\n";
}

} // namespace

std::string events_junit(const EventReport& report) {
    std::string cases;
    std::size_t errors = 0;
    for (const Failure& failure : report.failures) {
        cases += test_case(failure);
        errors += failure.is_error() ? 1 : 0;
    }
    if (cases.empty()) {
        // Some readers take a suite without a test for a mistake.
        cases = "  <testcase classname=\"portguard\" name=\"no call failed over a port\" time=\"0\"/>\n";
    }
    const std::string count = std::to_string(report.failures.empty() ? 1 : report.failures.size());
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"portguard\" tests=\"" + count +
           "\" failures=\"" + std::to_string(errors) + "\" errors=\"0\" skipped=\"0\">\n" + cases +
           "</testsuite>\n";
}

} // namespace portguard::tools
