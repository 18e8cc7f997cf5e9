#include "tools/help.h"

namespace portguard::tools {
namespace {

constexpr std::string_view indent = "    ";

std::string usage_line(const Command& command) {
    return "portguard " + std::string(command.name) + " [OPTIONS]" +
           (command.takes_program ? " [--] PROGRAM [ARGUMENT...]" : "") + "\n";
}

void add_parameter(const Parameter& parameter, std::string& text) {
    text.append("  ").append(spelled(parameter.name));
    if (!parameter.values.empty()) {
        text.append("=").append(parameter.values);
    }
    text.append("\n").append(indent).append(indent).append(parameter.help);
    if (!parameter.fallback.empty()) {
        text.append(" (default: ").append(parameter.fallback).append(")");
    }
    text.append("\n");
}

} // namespace

std::string help_text() {
    std::string text =
        "portguard keeps listen ports and the ports of outgoing connections apart, in programs "
        "that nobody can recompile, and says who holds a port that is refused.\n\nUsage:\n";
    for (const Command* const command : all_commands()) {
        text.append(indent).append(usage_line(*command));
        text.append(indent).append(indent).append(command->summary).append("\n");
    }
    text.append(indent).append("portguard --version\n");
    text.append(indent).append("portguard [COMMAND] --help\n\nExamples:\n");
    for (const Command* const command : all_commands()) {
        text.append(command->examples);
    }
    return text;
}

std::string help_text(const Command& command) {
    std::string text = "Usage: " + usage_line(command);
    text.append("\n").append(command.description).append("\nOptions:\n");
    for (const Parameter& parameter : parameters_of(command)) {
        add_parameter(parameter, text);
    }
    text.append("\nExamples:\n").append(command.examples);
    return text;
}

} // namespace portguard::tools
