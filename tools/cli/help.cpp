#include <algorithm>
#include <array>

#include "tools/cli/raw_text.h"
#include "tools/cli/texts.h"
#include "tools/common/json_output.h"
#include "tools/common/output.h"

namespace portguard::tools {
namespace {

constexpr std::size_t width = 80;
/// Where the second column begins.
constexpr std::size_t column = 24;
/// A longer list is left to the man page.
constexpr std::size_t most_choices = 15;

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

/// `head`, and `words` beside it, or below where it is too long.
std::string entry(std::string head, std::string_view words, std::size_t text_column) {
    std::string text = "  " + std::move(head);
    std::string block = wrapped(words, std::string(text_column, ' '), width);
    if (text.size() + 1 < text_column) {
        return text + block.substr(text.size());
    }
    return text + "\n" + block;
}

std::string entry(const Parameter& parameter) {
    std::string words(parameter.help);
    if (parameter.choices != nullptr && parameter.choices().size() <= most_choices) {
        words += ": " + listed(parameter.choices());
    }
    if (!parameter.fallback.empty()) {
        words.append(parameter.fallback.starts_with("unset:") ? " (" : " (default: ");
        words.append(parameter.fallback).append(")");
    }
    return entry(spelled_with_letter(parameter) + spelled_values(parameter), words, column);
}

std::string entries(std::span<const Parameter> parameters) {
    std::string text;
    for (const Parameter& parameter : parameters) {
        text += entry(parameter);
    }
    return text;
}

std::string examples(std::string_view lines) {
    std::string text = "\nExamples:\n";
    for (const std::string_view line : lines_of(lines)) {
        text.append("  ").append(line).append("\n");
    }
    return text;
}

/// The options of the guard that a command's help has room for.
std::string essential(const Command& command) {
    constexpr std::array<std::string_view, 4> names{"listen", "ephemeral", "mode", "log"};
    std::string text;
    for (const Parameter& parameter : guard_parameters_of(command.guard, command.own)) {
        if (std::find(names.begin(), names.end(), parameter.name) != names.end()) {
            text += entry(parameter);
        }
    }
    return text;
}

std::string exit_statuses(std::string_view lines) {
    std::string text = "Exit status:";
    for (const ExitStatus& entry : statuses_of(lines)) {
        text.append(text.ends_with(':') ? " " : "; ").append(entry.status).append(" ").append(entry.meaning);
    }
    return "\n" + wrapped(text, "", width);
}

std::string more_about(const Command& command) {
    const std::string name(command.name);
    std::string text = "More: `portguard man " + name + " | man -l -`";
    text += command.guard == GuardOptions::all ? ", `portguard help options`" : "";
    if (const std::string schema = schema_file(command); !schema.empty()) {
        text += ", " + schema;
    }
    return "\n" + wrapped(text, "", width);
}

} // namespace

std::string schema_file(const Command& command) {
    const bool has_json = std::any_of(command.own.begin(), command.own.end(), [](const Parameter& parameter) {
        return parameter.name == json_parameter.name;
    });
    return has_json ? "share/portguard/" + std::string(command.name) + ".schema.json" : std::string();
}

std::string usage_line(const Command& command) {
    return "portguard " + std::string(command.name) + " [OPTIONS]" + operand_words(command.operand) +
           program_words(command);
}

std::string help_text() {
    std::string text = "Usage: portguard COMMAND [OPTIONS] [WORDS]\n"
                       "       portguard --version\n\n"
                       "Keeps listen ports and the ports of outgoing connections apart, in programs that\n"
                       "nobody can recompile, and explains a port that is refused.\n\nCommands:\n";
    for (const Command* const command : all_commands()) {
        text += entry(std::string(command->name), command->summary, 14);
    }
    return text +
           "\nExit status: 0 fine; 1 findings; 2 wrong usage or configuration; of run, ci and\n"
           "hold with a PROGRAM, that of the program\n" +
           examples(R"(
portguard check
portguard run --listen=5000-14999 --ephemeral=15000-65000 -- nginx
portguard who 8000
)") + "\nMore: `portguard help COMMAND`, `portguard help options`, `portguard man`\n";
}

std::string help_text(const Command& command) {
    std::string text = "Usage: " + usage_line(command) + "\n\n" +
                       wrapped(paragraphs_of(command.description).front(), "", width);
    const std::string options = essential(command) + entries(command.own);
    text += options.empty() ? "" : "\nOptions:\n" + options;
    return text + exit_statuses(command.exit_status) + examples(command.examples) + more_about(command);
}

std::string exit_status_table() {
    std::string text = "| command | exit status |\n|---|---|\n";
    for (const Command* const command : all_commands()) {
        text.append("| `").append(command->name).append("` | ");
        std::string_view separator;
        for (const ExitStatus& entry : statuses_of(command->exit_status)) {
            text.append(separator).append("**").append(entry.status).append("** ").append(entry.meaning);
            separator = "; ";
        }
        text += " |\n";
    }
    return text;
}

std::string options_help() {
    return wrapped(
               "The options of the guard, for run, ci, hold and config. The command line beats the "
               "environment (PORTGUARD_LISTEN for --listen), which beats the file. Dashes and underscores "
               "are the same.",
               "", width) +
           "\n" + entries(guard_parameters_of(GuardOptions::all)) +
           "\nMore: `portguard man options | man -l -`, which is portguard.conf(5)\n";
}

} // namespace portguard::tools
