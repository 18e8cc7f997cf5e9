#include "tools/cli/texts.h"

#include "core/text.h"
#include "tools/common/output.h"

namespace portguard::tools {
namespace {

constexpr std::size_t width = 100;
constexpr std::string_view indent = "    ";

std::string operand_words(const Operand& operand) {
    if (operand.most == 0) {
        return {};
    }
    const std::string word = std::string(operand.name) + (operand.most > 1 ? "..." : "");
    return operand.least == 0 ? " [" + word + "]" : " " + word;
}

std::string program_words(const Command& command) {
    if (!command.takes_program) {
        return {};
    }
    return command.operand.most == 0 ? " [--] PROGRAM [ARGUMENT...]" : " [-- PROGRAM [ARGUMENT...]]";
}

void add_parameter(const Parameter& parameter, std::string& text) {
    text.append("  ").append(spelled(parameter.name));
    text.append(spelled_values(parameter));
    std::string words(parameter.help);
    if (!parameter.fallback.empty()) {
        words.append(parameter.fallback.starts_with("unset:") ? " (" : " (default: ");
        words.append(parameter.fallback).append(")");
    }
    text.append("\n").append(wrapped(words, "        ", width));
}

} // namespace

std::string usage_line(const Command& command) {
    return "portguard " + std::string(command.name) + " [OPTIONS]" + operand_words(command.operand) +
           program_words(command) + "\n";
}

std::string help_text() {
    std::string text =
        wrapped("portguard keeps listen ports and the ports of outgoing connections apart, in "
                "programs that nobody can recompile, and says who holds a port that is refused.",
                "", width);
    text.append("\nUsage:\n");
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
    std::string_view paragraphs = command.description;
    while (!paragraphs.empty()) {
        text.append("\n").append(wrapped(next_field(paragraphs, '\n'), "", width));
    }
    text.append("\nOptions:\n");
    for (const Parameter& parameter : parameters_of(command)) {
        add_parameter(parameter, text);
    }
    text.append("\nExamples:\n").append(command.examples);
    return text;
}

} // namespace portguard::tools
