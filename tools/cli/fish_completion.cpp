#include "tools/cli/command.h"
#include "tools/cli/texts.h"
#include "tools/cli/values.h"

namespace portguard::tools {
namespace {

/// In single quotes fish knows two escapes.
std::string quoted(std::string_view words) {
    std::string text = "'";
    for (const char letter : words) {
        text.append(letter == '\'' || letter == '\\' ? "\\" : "").push_back(letter);
    }
    return text + "'";
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) {
        text.append(text.empty() ? "" : " ").append(word);
    }
    return text;
}

std::string start_of(const Command& command) {
    return "complete -c portguard -n '__fish_seen_subcommand_from " + std::string(command.name) + "'";
}

std::string value_of(const Parameter& parameter) {
    if (parameter.values.empty()) {
        return {};
    }
    if (parameter.values.starts_with("FILE") || parameter.values.starts_with("FOLDER")) {
        return " -r -F";
    }
    const std::vector<std::string> closed = closed_values(parameter);
    const std::vector<std::string> words = closed.empty() ? literals_of(parameter.values) : closed;
    // With an optional value the next word is another one.
    return std::string(parameter.optional_value ? " -f" : " -x") +
           (words.empty() ? "" : " -a " + quoted(joined(words)));
}

std::string line_of(const Command& command, const Parameter& parameter) {
    return start_of(command) + " -l " + spelled(parameter.name).substr(2) +
           (parameter.letter == 0 ? "" : std::string(" -s ") + parameter.letter) + value_of(parameter) +
           " -d " + quoted(parameter.help) + "\n";
}

std::string rest_of(const Command& command) {
    if (command.operand.choices != nullptr) {
        std::vector<std::string> words;
        for (const std::string_view word : command.operand.choices()) {
            words.emplace_back(word);
        }
        return start_of(command) + " -a " + quoted(joined(words)) + "\n";
    }
    if (command.takes_program && command.operand.most == 0) {
        return start_of(command) + " -a '(__fish_complete_subcommand)'\n";
    }
    return command.operand.most == 0 ? "" : start_of(command) + " -F\n";
}

} // namespace

std::string fish_completion() {
    std::string text = "# fish completion for portguard, made by `portguard completion fish`\n\n"
                       "complete -c portguard -f\n";
    for (const Command* const command : all_commands()) {
        text += "complete -c portguard -n __fish_use_subcommand -a " + std::string(command->name) + " -d " +
                quoted(command->summary) + "\n";
        for (const Parameter& parameter : parameters_of(*command)) {
            text += line_of(*command, parameter);
        }
        text += rest_of(*command);
    }
    return text;
}

} // namespace portguard::tools
