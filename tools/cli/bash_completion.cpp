#include <algorithm>
#include <vector>

#include "core/errno_name.h"
#include "core/text.h"
#include "tools/cli/command.h"
#include "tools/cli/texts.h"

namespace portguard::tools {
namespace {

bool is_errno_name(std::string_view word) {
    for (int number = 1; number < 134; ++number) {
        if (errno_name(number) == word) {
            return true;
        }
    }
    return false;
}

/// A word to be typed as it stands. Upper case stands for something else, unless it is the name of an errno.
bool is_literal(std::string_view word) {
    const bool is_plain = !word.empty() && std::all_of(word.begin(), word.end(), [](char letter) {
        return letter >= 'a' && letter <= 'z';
    });
    return is_plain || is_errno_name(word);
}

/// "compgen ..." that completes a value of `parameter`; empty: nothing can be offered.
std::string generator_of(const Parameter& parameter) {
    std::string words;
    bool takes_file = false;
    // In parentheses stand parts of words, such as units.
    std::string_view rest = parameter.values.find('(') == std::string_view::npos ? parameter.values : "";
    while (!rest.empty()) {
        const std::string_view word = next_field(rest, '|');
        takes_file = takes_file || word == "FILE";
        if (is_literal(word)) {
            words.append(words.empty() ? "" : " ").append(word);
        }
    }
    if (takes_file) {
        return "compgen -f";
    }
    return words.empty() ? "" : "compgen -W '" + words + "'";
}

std::string options_of(const std::vector<Parameter>& parameters) {
    std::string text;
    for (const Parameter& parameter : parameters) {
        text.append(text.empty() ? "" : " ").append(spelled(parameter.name));
        text.append(parameter.values.empty() ? "" : "=");
    }
    return text;
}

/// `case` branches for the values of `parameters`.
std::string value_branches(std::string_view command, std::span<const Parameter> parameters) {
    std::string text;
    for (const Parameter& parameter : parameters) {
        const std::string generator = generator_of(parameter);
        if (!parameter.values.empty()) {
            text.append("        '")
                .append(command)
                .append(" ")
                .append(spelled(parameter.name))
                .append("') ");
            text.append(generator.empty() ? "true" : generator + " -- \"$word\"").append(" ;;\n");
        }
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

// Bash splits words at '=' (COMP_WORDBREAKS), so that "--mode=en" arrives as three.
constexpr std::string_view head = R"(# bash completion for portguard, made by `portguard completion bash`

_portguard_words() {
    local word=$1 option=$2 command=$3
    case "$command $option" in
)";
constexpr std::string_view tail = R"(    esac
}

_portguard() {
    local word=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]}
    if [[ $word == = ]]; then
        word=
    elif [[ $option == = ]]; then
        option=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    ((COMP_CWORD > 1)) || option=
    mapfile -t COMPREPLY < <(_portguard_words "$word" "$option" "${COMP_WORDS[1]}")
    # A value follows at once.
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]]; then
        compopt -o nospace 2>/dev/null
    fi
}

complete -o bashdefault -o default -F _portguard portguard
)";

} // namespace

std::string bash_completion() {
    std::string text(head);
    const std::vector<Parameter> common = parameters_of(Command{});
    std::string options;
    for (const Command* const command : all_commands()) {
        text += value_branches(command->name, command->own);
        options.append("        '").append(command->name).append(" '*) ");
        options += "compgen -W '" + options_of(parameters_of(*command)) + "' -- \"$word\"";
        options += command->takes_program ? "; compgen -c -- \"$word\" ;;\n" : " ;;\n";
    }
    std::string values = value_branches("*", common);
    // Quoted, an asterisk would stand for itself.
    for (std::size_t at = values.find("'* "); at != std::string::npos; at = values.find("'* ", at)) {
        values.replace(at, 3, "*' ");
    }
    return text + values + "        *' ') compgen -W '" + command_names() + "' -- \"$word\" ;;\n" + options +
           std::string(tail);
}

} // namespace portguard::tools
