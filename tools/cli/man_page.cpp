#include "core/text.h"
#include "tools/cli/command.h"
#include "tools/cli/texts.h"

namespace portguard::tools {
namespace {

/// As it stands: a backslash, a hyphen or a dot at the beginning of a line would mean something to roff.
std::string escaped(std::string_view words) {
    std::string text;
    for (const char character : words) {
        const bool starts_line = text.empty() || text.back() == '\n';
        text.append(starts_line && (character == '.' || character == '\'') ? "\\&" : "");
        switch (character) {
        case '\\': text += "\\e"; break;
        case '-': text += "\\-"; break;
        // A list of values may be wider than a line.
        case '|': text += "|\\:"; break;
        default: text += character;
        }
    }
    return text;
}

std::string paragraphs(std::string_view lines) {
    std::string text;
    while (!lines.empty()) {
        text += ".PP\n" + escaped(next_field(lines, '\n')) + "\n";
    }
    return text;
}

std::string described(const Parameter& parameter) {
    std::string text = ".TP\n.B " + escaped(spelled(parameter.name));
    text += escaped(spelled_values(parameter)) + "\n";
    text += escaped(parameter.help);
    if (!parameter.fallback.empty()) {
        text += escaped(parameter.fallback.starts_with("unset:") ? " (" : " (default: ");
        text += escaped(parameter.fallback) + ")";
    }
    return text + "\n";
}

std::string example(std::string_view lines) {
    std::string text = ".PP\n.EX\n";
    while (!lines.empty()) {
        text += escaped(next_field(lines, '\n')) + "\n";
    }
    return text + ".EE\n";
}

std::string section_of(const Command& command) {
    std::string text = ".SS portguard " + std::string(command.name) + "\n.B " + escaped(usage_line(command));
    text += paragraphs(command.description);
    for (const Parameter& parameter : command.own) {
        text += described(parameter);
    }
    return text + example(command.examples);
}

} // namespace

std::string man_page() {
    std::string text =
        ".\\\" Made by `portguard man`.\n.TH PORTGUARD 1 \"\" \"portguard " PORTGUARD_VERSION
        "\" \"User Commands\"\n.ad l\n.SH NAME\nportguard \\- keeps listen ports and the ports of "
        "outgoing connections apart\n.SH SYNOPSIS\n";
    for (const Command* const command : all_commands()) {
        text += ".B " + escaped(usage_line(*command)) + ".br\n";
    }
    text += ".B portguard \\-\\-version\n.SH DESCRIPTION\n";
    for (const Command* const command : all_commands()) {
        text += ".TP\n.B " + std::string(command->name) + "\n" + escaped(command->summary) + "\n";
    }
    text += ".SH COMMANDS\n";
    for (const Command* const command : all_commands()) {
        text += section_of(*command);
    }
    text += ".SH OPTIONS OF EVERY COMMAND\n";
    for (const Parameter& parameter : parameters_of(Command{})) {
        text += described(parameter);
    }
    return text +
           ".SH ENVIRONMENT\n.TP\n.B PORTGUARD_NAME\nThe option NAME, in upper case and with underscores. It "
           "beats the file, and the command line beats it.\n.TP\n.B PORTGUARD_CONFIG\nThe file.\n"
           ".SH FILES\n.TP\n.I /etc/portguard.conf\nLines `name = value`.\n.TP\n.I libportguard.so\nWhat is "
           "preloaded.\n.TP\n.I portguard\\-explain\nBeside the library, which executes it to explain a "
           "failed call. Without it a report is one line.\n"
           ".SH SEE ALSO\n.BR ss (8),\n.BR sysctl (8),\n.BR ip (7)\n";
}

} // namespace portguard::tools
