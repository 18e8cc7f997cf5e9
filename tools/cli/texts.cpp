// `portguard completion`, `portguard help` and `portguard man`.
#include "tools/cli/texts.h"

#include <array>
#include <filesystem>
#include <fstream>

#include "tools/cli/command.h"
#include "tools/cli/values.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

constexpr std::string_view into_name = "into";

constexpr std::string_view markdown_name = "markdown";

constexpr std::array help_parameters{
    Parameter{markdown_name, "", "", "print the exit status of every command as a table in markdown"},
};

constexpr std::array man_parameters{
    Parameter{into_name, "FOLDER", "",
              "write every page into FOLDER, as they are installed in man1 and man5"},
};

std::vector<std::string_view> shells() {
    return {"bash", "zsh", "fish"};
}

int print_completion(const Arguments& arguments) {
    const std::string& shell = arguments.operands.front();
    if (shell == "bash") {
        print(bash_completion());
    } else if (shell == "zsh") {
        print(zsh_completion());
    } else if (shell == "fish") {
        print(fish_completion());
    } else {
        throw Refusal(ExitCode::usage, "'" + shown(shell) + "': there are completions only for " +
                                           listed(shells()) + suggestion(shell, shells()));
    }
    return 0;
}

/// Null: `subject` is options_subject.
const Command* command_of(std::string_view subject) {
    for (const std::span<const Command* const> commands : {all_commands(), hidden_commands()}) {
        for (const Command* const command : commands) {
            if (command->name == subject) {
                return command;
            }
        }
    }
    if (subject != options_subject) {
        throw Refusal(ExitCode::usage, "'" + shown(subject) + "' is not a subject; the subjects are " +
                                           listed(subjects()) + suggestion(subject, subjects()));
    }
    return nullptr;
}

int print_help(const Arguments& arguments) {
    if (arguments.has(markdown_name)) {
        if (!arguments.operands.empty()) {
            throw Refusal(ExitCode::usage, "--markdown is of every command, and takes no SUBJECT such as '" +
                                               shown(arguments.operands.front()) + "'; use one of the two");
        }
        print(exit_status_table());
        return 0;
    }
    if (arguments.operands.empty()) {
        print(help_text());
        return 0;
    }
    const Command* const command = command_of(arguments.operands.front());
    print(command == nullptr ? options_help() : help_text(*command));
    return 0;
}

void write_page(const std::filesystem::path& folder, const ManPage& page) {
    const std::filesystem::path place = folder / ("man" + page.file.substr(page.file.size() - 1));
    std::error_code ignored;
    std::filesystem::create_directories(place, ignored);
    std::ofstream file(place / page.file);
    file << page.text;
    file.close();
    if (!file) {
        throw Refusal(ExitCode::failure, "'" + shown((place / page.file).string()) +
                                             "' cannot be written; --into takes a folder of your own");
    }
}

int print_man_page(const Arguments& arguments) {
    if (const std::string* const folder = arguments.value(into_name)) {
        if (!arguments.operands.empty()) {
            throw Refusal(ExitCode::usage, "--into writes every page, and takes no SUBJECT such as '" +
                                               shown(arguments.operands.front()) + "'; use one of the two");
        }
        write_page(*folder, man_page());
        write_page(*folder, options_man_page());
        for (const Command* const command : all_commands()) {
            write_page(*folder, man_page(*command));
        }
        return 0;
    }
    if (arguments.operands.empty()) {
        print(man_page().text);
        return 0;
    }
    const Command* const command = command_of(arguments.operands.front());
    print(command == nullptr ? options_man_page().text : man_page(*command).text);
    return 0;
}

} // namespace

std::vector<std::string_view> subjects() {
    std::vector<std::string_view> names;
    for (const Command* const command : all_commands()) {
        names.push_back(command->name);
    }
    names.push_back(options_subject);
    return names;
}

const Command completion_command{
    .name = "completion",
    .summary = "prints a shell's completions of this command line",
    .description = R"(
Prints a script that makes bash, zsh or fish complete subcommands, options and values. They are installed as
share/bash-completion/completions/portguard, share/zsh/site-functions/_portguard and
share/fish/vendor_completions.d/portguard.fish.
)",
    .exit_status = R"(
0 the script was printed
2 the command line is wrong
)",
    .examples = R"(
source <(portguard completion bash)
source <(portguard completion zsh)
portguard completion fish | source
)",
    .operand = {"SHELL", 1, 1, shells},
    .own = {},
    .run = print_completion,
};

const Command help_command{
    .name = "help",
    .summary = "shows the help of a command, or the options of the guard",
    .description = R"(
Shows what `portguard COMMAND --help` does; of `options`, the options of the guard; without SUBJECT, the commands.
)",
    .exit_status = R"(
0 the help was printed
2 the command line is wrong, or there is no such subject
)",
    .examples = R"(
portguard help run
portguard help options
)",
    .operand = {"SUBJECT", 0, 1, subjects},
    .own = help_parameters,
    .run = print_help,
};

const Command man_command{
    .name = "man",
    .summary = "prints the man page of a command, or of the guard's options",
    .description = R"(
Prints portguard-COMMAND(1); of `options`, portguard.conf(5); without SUBJECT, portguard(1); in the language of
man(7). They are installed in share/man.
)",
    .exit_status = R"(
0 the page was printed
2 the command line is wrong, or there is no such subject
)",
    .examples = R"(
portguard man | man -l -
portguard man run | man -l -
portguard man options | man -l -
)",
    .operand = {"SUBJECT", 0, 1, subjects},
    .own = man_parameters,
    .run = print_man_page,
};

} // namespace portguard::tools
