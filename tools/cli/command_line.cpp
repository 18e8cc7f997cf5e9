#include "tools/cli/command.h"

#include <algorithm>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "tools/common/output.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

std::string help_hint(const Command& command) {
    return "`portguard " + std::string(command.name) + " --help` lists what there is";
}

/// "deny-errno" and "deny_errno" are the same.
const Parameter* find_parameter(const std::vector<Parameter>& parameters, std::string_view word) {
    std::string name(word.substr(std::min<std::size_t>(word.size(), 2)));
    std::replace(name.begin(), name.end(), '-', '_');
    const auto found = std::find_if(parameters.begin(), parameters.end(),
                                    [&name](const Parameter& parameter) { return parameter.name == name; });
    return !word.starts_with("--") || found == parameters.end() ? nullptr : &*found;
}

struct Words {
    /// For the parser: a parameter and its value are two words.
    std::vector<std::string> ours;
    std::vector<std::string> operands;
    std::vector<std::string> program;
};

/// What is left when nothing but "--" stands between options and the words that are none.
void take_rest(const Command& command, std::vector<std::string> rest, Words& result) {
    if (command.takes_program) {
        result.program = std::move(rest);
    } else if (command.operand.most != 0) {
        result.operands.insert(result.operands.end(), rest.begin(), rest.end());
    } else if (!rest.empty()) {
        throw Refusal(ExitCode::usage, "'" + shown(rest.front()) + "': `portguard " +
                                           std::string(command.name) + "` takes only options; " +
                                           help_hint(command));
    }
}

void check_operands(const Command& command, const std::vector<std::string>& operands) {
    const std::string name = "`portguard " + std::string(command.name) + "`";
    if (operands.size() > command.operand.most) {
        throw Refusal(ExitCode::usage, "'" + shown(operands[command.operand.most]) +
                                           "' is one word too many: " + name + " takes " +
                                           std::to_string(command.operand.most) + " " +
                                           std::string(command.operand.name) + "; " + help_hint(command));
    }
    if (operands.size() < command.operand.least) {
        throw Refusal(ExitCode::usage, "no " + std::string(command.operand.name) + " is given; " + name +
                                           " needs one, and " + help_hint(command));
    }
}

using Word = std::vector<std::string>::const_iterator;

/// Takes the option at `word`, and its value, which may be the next word; returns the last word taken.
Word take_option(const std::vector<Parameter>& parameters, Word word, Word end, Words& result) {
    const std::size_t equals = word->find('=');
    const Parameter* const parameter = find_parameter(parameters, word->substr(0, equals));
    if (parameter == nullptr || parameter->values.empty()) {
        // CLI11 would take any value for "on", "no" too.
        if (parameter != nullptr && equals != std::string::npos) {
            throw Refusal(ExitCode::usage,
                          "'" + shown(*word) + "': " + spelled(parameter->name) + " takes no value");
        }
        result.ours.push_back(*word);
        return word;
    }
    result.ours.push_back(word->substr(0, equals));
    if (equals != std::string::npos) {
        result.ours.push_back(word->substr(equals + 1));
        return word;
    }
    if (parameter->optional_value) {
        result.ours.emplace_back();
        return word;
    }
    if (++word == end) {
        throw Refusal(ExitCode::usage, spelled(parameter->name) + " has no value; expected " +
                                           spelled(parameter->name) + "=" + std::string(parameter->values));
    }
    result.ours.push_back(*word);
    return word;
}

/// Done here because CLI11 looks for options among the program's own arguments too, and takes the word after
/// an empty `--name=` for its value.
Words split(const Command& command, const std::vector<Parameter>& parameters,
            const std::vector<std::string>& words) {
    Words result;
    auto word = words.begin();
    for (; word != words.end(); ++word) {
        if (*word == "--") {
            ++word;
            break;
        }
        if (word->size() > 1 && word->front() == '-') {
            word = take_option(parameters, word, words.end(), result);
        } else if (command.operand.most != 0) {
            result.operands.push_back(*word);
        } else {
            break;
        }
    }
    take_rest(command, {word, words.end()}, result);
    return result;
}

std::string both_spellings(std::string_view name) {
    const std::string dashes = spelled(name);
    const std::string underscores = "--" + std::string(name);
    return dashes == underscores ? dashes : dashes + "," + underscores;
}

/// The parameters that are among `words`, with their values.
std::vector<std::pair<std::string, std::string>>
parse(const Command& command, const std::vector<Parameter>& parameters, std::vector<std::string> words) {
    CLI::App app;
    app.set_help_flag();
    app.allow_extras();
    std::vector<CLI::Option*> options;
    for (const Parameter& parameter : parameters) {
        const std::string names = both_spellings(parameter.name);
        // The last one wins, so that a script can append to a command line it was given.
        options.push_back(parameter.values.empty() ? app.add_flag(names)
                                                   : app.add_option(names)->take_last());
    }
    try {
        std::reverse(words.begin(), words.end());
        app.parse(std::move(words));
    } catch (const CLI::ParseError& error) {
        throw Refusal(ExitCode::usage, shown(error.what()) + "; " + help_hint(command));
    }
    if (app.remaining_size() != 0) {
        throw Refusal(ExitCode::usage, "'" + shown(app.remaining().front()) + "': `portguard " +
                                           std::string(command.name) + "` has no such option; " +
                                           help_hint(command));
    }
    std::vector<std::pair<std::string, std::string>> given;
    for (std::size_t index = 0; index < parameters.size(); ++index) {
        if (options[index]->count() != 0) {
            given.emplace_back(parameters[index].name, parameters[index].values.empty()
                                                           ? std::string()
                                                           : options[index]->results().back());
        }
    }
    return given;
}

} // namespace

Arguments parse_command_line(const Command& command, const std::vector<std::string>& words) {
    const std::vector<Parameter> parameters = parameters_of(command);
    Words parts = split(command, parameters, words);
    Arguments arguments;
    arguments.given = parse(command, parameters, std::move(parts.ours));
    arguments.operands = std::move(parts.operands);
    arguments.program = std::move(parts.program);
    if (!arguments.has("help")) {
        check_operands(command, arguments.operands);
    }
    return arguments;
}

} // namespace portguard::tools
