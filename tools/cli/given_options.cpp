#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "core/text.h"
#include "tools/cli/values.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

bool is_given(const Arguments& arguments, std::string_view name) {
    return name == program_word ? !arguments.program.empty() : arguments.has(name);
}

std::string described(std::string_view name) {
    return name == program_word ? std::string(name) : spelled(name);
}

void check_combinations(const Command& command, const Arguments& arguments) {
    for (const auto& [name, kind, other] : command.combinations) {
        const bool is_needed = kind == Combination::Kind::needed;
        if (is_given(arguments, name) && is_given(arguments, other) != is_needed) {
            throw Refusal(ExitCode::usage, described(name) + " means nothing " +
                                               (is_needed ? "without " : "beside ") + described(other) +
                                               "; " + help_hint(command));
        }
    }
}

/// Of a list with commas each.
void check_value(const Parameter& parameter, std::string_view value) {
    const std::vector<std::string> known = closed_values(parameter);
    if (known.empty() || (value.empty() && parameter.optional_value)) {
        return;
    }
    const std::string whole = spelled(parameter.name) + "=" + shown(value);
    do {
        const std::string word = with_underscores(next_field(value, ','));
        const bool is_known = std::any_of(known.begin(), known.end(), [&word](const std::string& candidate) {
            return with_underscores(candidate) == word;
        });
        if (!is_known) {
            throw Refusal(ExitCode::usage, whole + ": expected " +
                                               listed({known.begin(), known.end()}, " or ") +
                                               suggestion(word, known));
        }
    } while (!value.empty());
}

} // namespace

std::string help_hint(const Command& command) {
    return "`portguard " + std::string(command.name) + " --help` lists what there is";
}

std::string with_underscores(std::string_view word) {
    std::string name(word);
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

void check_given(const Command& command, const Arguments& arguments) {
    for (const Parameter& parameter : command.own) {
        if (const std::string* const value = arguments.value(parameter.name)) {
            check_value(parameter, *value);
        }
    }
    check_combinations(command, arguments);
}

} // namespace portguard::tools
