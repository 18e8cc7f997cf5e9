#include "tools/cli/command.h"
#include "tools/cli/texts.h"
#include "tools/cli/values.h"
#include "tools/common/output.h"

namespace portguard::tools {
namespace {

/// Inside a specification of _arguments(1): what would end a part of it.
std::string escaped(std::string_view words) {
    std::string text;
    for (const char letter : words) {
        text.append(letter == ':' || letter == '[' || letter == ']' || letter == '\\' ? "\\" : "");
        text.push_back(letter);
    }
    return text;
}

std::string list_of(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) {
        text.append(text.empty() ? "(" : " ").append(escaped(word));
    }
    return text.empty() ? " " : text + ")";
}

std::string action_of(const Parameter& parameter) {
    if (parameter.values.starts_with("FILE")) {
        return "_files";
    }
    if (parameter.values.starts_with("FOLDER")) {
        return "_files -/";
    }
    const std::vector<std::string> closed = closed_values(parameter);
    return list_of(closed.empty() ? literals_of(parameter.values) : closed);
}

/// One word for _arguments: "'(-j --json)'{-j,--json}'[...]'".
std::string specification(const Parameter& parameter) {
    const std::string name = spelled(parameter.name);
    const bool is_switch = parameter.values.empty();
    const std::string sign = is_switch ? "" : parameter.optional_value ? "=-" : "=";
    std::string tail = "[" + escaped(parameter.help) + "]";
    if (!is_switch) {
        tail +=
            (parameter.optional_value ? "::" : ":") + escaped(parameter.values) + ":" + action_of(parameter);
    }
    if (parameter.letter == 0) {
        return shell_quoted(name + sign + tail);
    }
    const std::string letter = std::string{'-', parameter.letter};
    return shell_quoted("(" + letter + " " + name + ")") + "{" + letter +
           (is_switch                  ? ""
            : parameter.optional_value ? "-"
                                       : "+") +
           "," + name + sign + "}" + shell_quoted(tail);
}

/// For the words that are no options.
std::string rest_of(const Command& command) {
    if (command.operand.choices != nullptr) {
        std::vector<std::string> words;
        for (const std::string_view word : command.operand.choices()) {
            words.emplace_back(word);
        }
        return shell_quoted("1:" + escaped(command.operand.name) + ":" + list_of(words));
    }
    if (command.takes_program && command.operand.most == 0) {
        return shell_quoted("*::PROGRAM:_normal");
    }
    return command.operand.most == 0 ? "" : shell_quoted("*:" + escaped(command.operand.name) + ":_files");
}

} // namespace

std::string zsh_completion() {
    std::string names;
    std::string branches;
    for (const Command* const command : all_commands()) {
        const std::string name(command->name);
        names += "        " + shell_quoted(name + ":" + std::string(command->summary)) + "\n";
        branches += "        " + name + ") _arguments -s -S";
        for (const Parameter& parameter : parameters_of(*command)) {
            branches += " \\\n            " + specification(parameter);
        }
        const std::string rest = rest_of(*command);
        branches += (rest.empty() ? "" : " \\\n            " + rest) + " ;;\n";
    }
    return R"(#compdef portguard
# zsh completion for portguard, made by `portguard completion zsh`

_portguard() {
    local -a commands=(
)" + names +
           R"(    )
    if ((CURRENT == 2)); then
        _describe -t commands command commands
        return
    fi
    local command=$words[2]
    shift words
    ((CURRENT -= 1))
    case $command in
)" + branches +
           R"(    esac
}

# Sourced, or read by compinit from a file of fpath.
if [[ $funcstack[1] == _portguard ]]; then
    _portguard "$@"
else
    compdef _portguard portguard
fi
)";
}

} // namespace portguard::tools
