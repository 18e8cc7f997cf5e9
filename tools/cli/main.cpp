#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "tools/cli/command.h"
#include "tools/cli/texts.h"
#include "tools/cli/values.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"

namespace {

using namespace portguard::tools;

const Command& find_command(std::string_view name) {
    std::vector<std::string_view> known;
    for (const Command* const command : all_commands()) {
        if (command->name == name) {
            return *command;
        }
        known.push_back(command->name);
    }
    for (const Command* const command : hidden_commands()) {
        if (command->name == name) {
            return *command;
        }
    }
    if (name.starts_with('-')) {
        const std::vector<std::string_view> options{"--help", "--version"};
        throw Refusal(ExitCode::usage, "'" + shown(name) + "': `portguard` has no such option" +
                                           suggestion(name, options) +
                                           "; others stand behind the subcommand, and `portguard --help` "
                                           "lists what there is");
    }
    throw Refusal(ExitCode::usage, "'" + shown(name) + "' is not a subcommand; the subcommands are " +
                                       listed(known) + suggestion(name, known) +
                                       "; `portguard --help` explains them");
}

int dispatch(std::vector<std::string> words) {
    if (words.empty()) {
        print(help_text());
        return static_cast<int>(ExitCode::usage);
    }
    const std::string name = words.front();
    words.erase(words.begin());
    if (name == "--help" || name == "-h") {
        print(help_text());
        return 0;
    }
    if (name == "--version" || name == "-V") {
        return version_command.run(parse_command_line(version_command, words));
    }
    const Command& command = find_command(name);
    const Arguments arguments = parse_command_line(command, words);
    if (arguments.has("help")) {
        print(help_text(command));
        return 0;
    }
    return command.run(arguments);
}

int fail(ExitCode code, const char* sentence) {
    std::fprintf(stderr, "portguard: %s\n", sentence);
    return static_cast<int>(code);
}

} // namespace

int main(int argc, char** argv) {
    try {
        return dispatch({argv + (argc > 0 ? 1 : 0), argv + argc});
    } catch (const Refusal& refusal) {
        return fail(refusal.code(), refusal.what());
    } catch (const std::exception& error) {
        return fail(ExitCode::usage, error.what());
    }
}
