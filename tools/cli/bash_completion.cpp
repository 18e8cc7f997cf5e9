#include <vector>

#include "tools/cli/command.h"
#include "tools/cli/texts.h"
#include "tools/cli/values.h"

namespace portguard::tools {
namespace {

std::string compgen_words(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) {
        text.append(text.empty() ? "compgen -W '" : " ").append(word);
    }
    return text.empty() ? "" : text + "'";
}

/// "compgen ..." that completes a value of `parameter`; empty: nothing can be offered.
std::string generator_of(const Parameter& parameter) {
    if (parameter.choices != nullptr) {
        const auto choices = parameter.choices();
        return compgen_words({choices.begin(), choices.end()});
    }
    if (parameter.values.starts_with("FILE")) {
        return "compgen -f";
    }
    if (parameter.values.starts_with("FOLDER")) {
        return "compgen -d";
    }
    return compgen_words(literals_of(parameter.values));
}

std::string options_of(const std::vector<Parameter>& parameters) {
    std::string text;
    for (const Parameter& parameter : parameters) {
        text.append(text.empty() ? "" : " ").append(spelled(parameter.name));
        text.append(parameter.values.empty() ? "" : "=");
    }
    return text;
}

std::string branch(std::string_view pattern, const std::string& generator) {
    std::string text = "        ";
    text.append(pattern).append(") ");
    return text + (generator.empty() ? "true" : generator + " -- \"$word\"") + " ;;\n";
}

/// `case` branches for the values of `parameters`. Outside quotes, "*" is every command.
std::string value_branches(std::string_view command, std::span<const Parameter> parameters) {
    std::string text;
    for (const Parameter& parameter : parameters) {
        if (parameter.values.empty()) {
            continue;
        }
        const std::string pattern = std::string(command) + " " + spelled(parameter.name);
        if (parameter.values.find("file:PATH") != std::string_view::npos) {
            text += branch(pattern + "=file:'", "compgen -f");
        }
        text += branch(pattern + "'", generator_of(parameter));
    }
    return text;
}

std::string command_names() {
    std::string names;
    for (const Command* const command : all_commands()) {
        names.append(command->name).append(" ");
    }
    return names + "--help --version";
}

constexpr std::string_view head = R"(# bash completion for portguard, made by `portguard completion bash`

_portguard_words() {
    local word=$1 option=$2 command=$3
    case "$command $option" in
)";
// Bash splits words at '=' and ':' (COMP_WORDBREAKS): "--mode=en" arrives as three, "--log=file:/tmp" as
// five.
constexpr std::string_view tail = R"(    esac
}

_portguard() {
    local -i at=COMP_CWORD
    local word=${COMP_WORDS[at]} prefix=
    if [[ $word == [=:] ]]; then
        word=
    else
        at+=-1
    fi
    if [[ ${COMP_WORDS[at]} == : ]]; then
        prefix="=${COMP_WORDS[at - 1]}:"
        at+=-2
    fi
    if [[ ${COMP_WORDS[at]} == = ]]; then
        at+=-1
    fi
    local option=${COMP_WORDS[at]}$prefix
    ((COMP_CWORD > 1)) || option=
    mapfile -t COMPREPLY < <(_portguard_words "$word" "$option" "${COMP_WORDS[1]}")
    # A value follows at once.
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=:] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}

complete -o bashdefault -o default -F _portguard portguard
)";

/// What may stand where no value of an option is expected.
std::string word_branch(const Command& command) {
    std::string words = options_of(parameters_of(command));
    if (command.operand.choices != nullptr) {
        for (const std::string_view choice : command.operand.choices()) {
            words.append(" ").append(choice);
        }
    }
    std::string text =
        "        '" + std::string(command.name) + " '*) compgen -W '" + words + "' -- \"$word\"";
    return text + (command.takes_program ? "; compgen -c -- \"$word\" ;;\n" : " ;;\n");
}

} // namespace

std::string bash_completion() {
    std::string values;
    std::string words;
    for (const Command* const command : all_commands()) {
        values += value_branches("'" + std::string(command->name), command->own);
        words += word_branch(*command);
    }
    return std::string(head) + values + value_branches("*'", guard_parameters_of(GuardOptions::all)) +
           branch("*=*:", "") + branch("*' '", "compgen -W '" + command_names() + "'") + words +
           std::string(tail);
}

} // namespace portguard::tools
