#include "tools/cli/command.h"

#include <algorithm>
#include <optional>
#include <span>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "core/options.h"
#include "core/text.h"
#include "tools/cli/values.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

/// "deny-errno" and "deny_errno" are the same.
const Parameter* find_parameter(std::span<const Parameter> parameters, std::string_view word) {
    if (!word.starts_with("--")) {
        return nullptr;
    }
    const std::string name = with_underscores(word.substr(2));
    const auto found = std::find_if(parameters.begin(), parameters.end(),
                                    [&name](const Parameter& parameter) { return parameter.name == name; });
    return found == parameters.end() ? nullptr : &*found;
}

/// JSON is asked for with --json, and with --format=json as in the guard's own events.
constexpr std::string_view json_name = "json";
constexpr std::string_view format_name = "format";

bool has_json(std::span<const Parameter> parameters) {
    return find_parameter(parameters, "--json") != nullptr;
}

[[noreturn]] void refuse_unknown(const Command& command, std::span<const Parameter> parameters,
                                 const std::string& word) {
    const std::string name = word.substr(0, word.find('='));
    std::string way_out;
    if (name.starts_with("--")) {
        std::vector<std::string> known;
        for (const Parameter& parameter : parameters) {
            known.push_back(spelled(parameter.name));
        }
        if (has_json(parameters)) {
            known.push_back(spelled(format_name));
        }
        way_out = suggestion(name, known);
        if (find_option(with_underscores(name.substr(2))) != option_table().size()) {
            way_out = "; it is for a guarded program: `portguard help options`";
        }
    }
    throw Refusal(ExitCode::usage, "'" + shown(word) + "': `portguard " + std::string(command.name) +
                                       "` has no such option" + way_out + "; " + help_hint(command));
}

struct Words {
    /// For the parser: a parameter and its value are two words.
    std::vector<std::string> ours;
    std::vector<std::string> operands;
    std::vector<std::string> program;
    /// The last of --json, --format=json and --format=text; nothing: none of them.
    std::optional<bool> json;
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

/// A switch has no value; CLI11 would take any for "on", "no" too.
void take_switch(const Parameter& parameter, const std::string& word, Words& result) {
    if (word.find('=') != std::string::npos) {
        throw Refusal(ExitCode::usage,
                      "'" + shown(word) + "': " + spelled(parameter.name) + " takes no value");
    }
    if (parameter.name == json_name) {
        result.json = true;
    } else {
        result.ours.push_back(spelled(parameter.name));
    }
}

void take_value(const Parameter& parameter, std::string value, Words& result) {
    result.ours.push_back(spelled(parameter.name));
    result.ours.push_back(std::move(value));
}

Word take_next(const Parameter& parameter, Word word, Word end, Words& result) {
    if (parameter.optional_value) {
        take_value(parameter, std::string(parameter.alone), result);
        return word;
    }
    if (++word == end) {
        throw Refusal(ExitCode::usage, spelled(parameter.name) + " has no value; expected " +
                                           spelled(parameter.name) + "=" + std::string(parameter.values));
    }
    take_value(parameter, *word, result);
    return word;
}

/// "-nq", "-w5s", "-w 5s".
Word take_letters(const Command& command, std::span<const Parameter> parameters, Word word, Word end,
                  Words& result) {
    for (std::size_t index = 1; index < word->size(); ++index) {
        const auto found =
            std::find_if(parameters.begin(), parameters.end(),
                         [&](const Parameter& parameter) { return parameter.letter == (*word)[index]; });
        if (found == parameters.end()) {
            refuse_unknown(command, parameters, *word);
        }
        if (found->values.empty()) {
            take_switch(*found, spelled(found->name), result);
        } else if (index + 1 < word->size()) {
            take_value(*found, word->substr(index + (word->at(index + 1) == '=' ? 2 : 1)), result);
            return word;
        } else {
            return take_next(*found, word, end, result);
        }
    }
    return word;
}

/// `--format` where JSON is all it can mean: as --json, and with the guard's words.
void take_format(const std::string& value, Words& result) {
    if (value != "json" && value != "text") {
        throw Refusal(ExitCode::usage, "--format=" + shown(value) + ": expected text or json" +
                                           suggestion(value, std::vector<std::string>{"text", "json"}));
    }
    result.json = value == "json";
}

/// Takes the option at `word`, and its value, which may be the next word; returns the last word taken.
Word take_option(const Command& command, std::span<const Parameter> parameters, Word word, Word end,
                 Words& result) {
    if (!word->starts_with("--")) {
        return take_letters(command, parameters, word, end, result);
    }
    constexpr Parameter format{format_name, "text|json", "", ""};
    const std::size_t equals = word->find('=');
    const std::string name = word->substr(0, equals);
    const Parameter* parameter = find_parameter(parameters, name);
    if (parameter == nullptr && name == spelled(format_name) && has_json(parameters)) {
        parameter = &format;
    }
    if (parameter == nullptr) {
        refuse_unknown(command, parameters, *word);
    }
    if (parameter->values.empty()) {
        take_switch(*parameter, *word, result);
        return word;
    }
    if (equals != std::string::npos) {
        take_value(*parameter, word->substr(equals + 1), result);
    } else {
        word = take_next(*parameter, word, end, result);
    }
    if (parameter->name == format_name && has_json(parameters)) {
        take_format(result.ours.back(), result);
    }
    if (parameter == &format) {
        result.ours.resize(result.ours.size() - 2);
    }
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
            word = take_option(command, parameters, word, words.end(), result);
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
    if (parts.json == true) {
        arguments.given.emplace_back(json_name, "");
    }
    arguments.operands = std::move(parts.operands);
    arguments.program = std::move(parts.program);
    if (arguments.has("help")) {
        return arguments;
    }
    check_operands(command, arguments.operands);
    check_given(command, arguments);
    return arguments;
}

} // namespace portguard::tools
