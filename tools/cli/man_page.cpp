#include "core/text.h"
#include "tools/cli/raw_text.h"
#include "tools/cli/texts.h"
#include "tools/common/output.h"

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

std::string paragraphs(const std::vector<std::string>& paragraphs) {
    std::string text;
    for (const std::string& paragraph : paragraphs) {
        text += ".PP\n" + escaped(paragraph) + "\n";
    }
    return text;
}

/// One of a list: `tag` in bold, and `words` below it.
std::string entry(std::string_view tag, std::string_view words) {
    return ".TP\n.B " + escaped(tag) + "\n" + escaped(words) + "\n";
}

std::string entry(const Parameter& parameter) {
    std::string words(parameter.help);
    if (parameter.choices != nullptr) {
        words += ": " + listed(parameter.choices());
    }
    if (!parameter.fallback.empty()) {
        words.append(parameter.fallback.starts_with("unset:") ? " (" : " (default: ");
        words.append(parameter.fallback).append(")");
    }
    return entry(spelled_with_letter(parameter) + spelled_values(parameter), words);
}

std::string entries(std::span<const Parameter> parameters) {
    std::string text;
    for (const Parameter& parameter : parameters) {
        text += entry(parameter);
    }
    return text;
}

std::string exit_statuses(std::string_view lines) {
    std::string text = ".SH EXIT STATUS\n";
    for (const ExitStatus& status : statuses_of(lines)) {
        text += entry(status.status, status.meaning);
    }
    return text;
}

std::string examples(std::string_view lines) {
    std::string text = ".SH EXAMPLES\n.EX\n";
    for (const std::string_view line : lines_of(lines)) {
        text += escaped(line) + "\n";
    }
    return text + ".EE\n";
}

std::string heading(std::string_view name, char section, std::string_view summary) {
    std::string title;
    for (const char letter : name) {
        title += letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
    }
    return ".\\\" Made by `portguard man`.\n.TH " + escaped(title) + " " + section +
           " \"\" \"portguard " PORTGUARD_VERSION "\" \"portguard\"\n.ad l\n.nh\n.SH NAME\n" + escaped(name) +
           " \\- " + escaped(summary) + "\n";
}

std::string page_of(const Command& command) {
    return "portguard-" + std::string(command.name);
}

/// The others of this command's pages, and what `last` names.
std::string see_also(std::string_view last) {
    return ".SH SEE ALSO\n.BR portguard (1),\n.BR portguard.conf (5)" + std::string(last) + "\n";
}

constexpr std::string_view files = R"(.SH FILES
.TP
.I /etc/portguard.conf
Options of the guard, see
.BR portguard.conf (5).
.TP
.I libportguard.so
The library that is preloaded.
.TP
.I portguard\-explain
Beside the library, which executes it to explain a failed call. Without it a report is one line.
)";

} // namespace

ManPage man_page() {
    std::string text = heading("portguard", '1', "keeps listen ports and outgoing connections apart") +
                       ".SH SYNOPSIS\n.B portguard\n.I COMMAND\n[OPTIONS] [WORDS]\n.br\n.B portguard "
                       "\\-\\-version\n.SH DESCRIPTION\n" +
                       paragraphs(paragraphs_of(R"(
Keeps the ports that servers listen on apart from the ports that outgoing connections are given, in programs
that nobody can recompile. Lets a server restart over its own TIME_WAIT. Explains every EADDRINUSE: who asked,
who holds the port, why the kernel said no, what to do.

It is a library for LD_PRELOAD and this command. It needs no root, no daemon and no kernel module.
)")) + ".SH COMMANDS\n";
    for (const Command* const command : all_commands()) {
        text += ".TP\n.BR " + escaped(page_of(*command)) + " (1)\n" + escaped(command->summary) + "\n";
    }
    text += exit_statuses(R"(
0    fine
1    findings: what the command looks for is there
2    the command line or the configuration is wrong
else of run, ci and hold with a PROGRAM, that of the program
)") + std::string(files);
    text += examples(R"(
portguard check
portguard run --listen=5000-14999 --ephemeral=15000-65000 -- nginx
portguard who 8000
)");
    return {"portguard.1", text + ".SH SEE ALSO\n.BR portguard.conf (5),\n.BR ss (8),\n.BR sysctl (8),\n"
                                  ".BR ip (7),\n.BR ld.so (8)\n"};
}

ManPage man_page(const Command& command) {
    std::string text = heading(page_of(command), '1', command.summary) + ".SH SYNOPSIS\n.B " +
                       escaped(usage_line(command)) + "\n.SH DESCRIPTION\n" +
                       paragraphs(paragraphs_of(command.description));
    text += ".SH OPTIONS\n" + entries(command.own) + entry(help_parameter);
    if (command.guard == GuardOptions::plan) {
        text += entries(guard_parameters_of(command.guard));
    }
    if (command.guard == GuardOptions::all) {
        text += ".PP\nThe options of the guard, such as\n.BR \\-\\-listen ,\nare those of\n"
                ".BR portguard.conf (5).\n";
    }
    if (const std::string schema = schema_file(command); !schema.empty()) {
        text += ".SH FILES\n" + entry(schema, "what --json prints");
    }
    text += exit_statuses(command.exit_status) + examples(command.examples);
    return {page_of(command) + ".1", text + see_also("")};
}

ManPage options_man_page() {
    std::string text = heading("portguard.conf", '5', "options of portguard's guard") + ".SH DESCRIPTION\n" +
                       paragraphs(paragraphs_of(R"(
Options of the guard stand on the command line (--listen=80,443), in the environment (PORTGUARD_LISTEN=80,443) or
in a file (listen = 80,443). The command line beats the environment, which beats the file.

The file is the one that --config or PORTGUARD_CONFIG names, else /etc/portguard.conf, if there is one. Each line
is `name = value`; # and ; start a comment. Dashes and underscores in a name are the same.

A wrong option is one sentence that names the value, where it stands and what is expected. `portguard run` then
starts nothing; the preloaded library leaves the program unguarded, since it must never keep one from starting.

`portguard config` shows every option, its value and where it came from.
)"));
    text += ".SH OPTIONS\n" + entries(guard_parameters_of(GuardOptions::all));
    text += ".SH EXIT STATUS\nOf a command with a wrong option: 2.\n.SH FILES\n.I /etc/portguard.conf\n";
    text += examples(R"(
# /etc/portguard.conf: servers below, outgoing connections above
listen    = 80,443,5000-14999
ephemeral = 15000-65000
log       = journal
)");
    return {"portguard.conf.5", text + ".SH SEE ALSO\n.BR portguard (1),\n.BR portguard-run (1)\n"};
}

} // namespace portguard::tools
