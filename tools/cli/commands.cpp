#include <algorithm>
#include <array>

#include "core/options.h"
#include "tools/cli/command.h"

namespace portguard::tools {
namespace {

constexpr Parameter config_parameter{"config", "FILE", "PORTGUARD_CONFIG, else /etc/portguard.conf",
                                     "file with lines `name = value`"};

} // namespace

std::string spelled(std::string_view name) {
    std::string text = "--";
    text += name;
    std::replace(text.begin(), text.end(), '_', '-');
    return text;
}

std::string spelled_with_letter(const Parameter& parameter) {
    const std::string name = spelled(parameter.name);
    return parameter.letter == 0 ? name : std::string{'-', parameter.letter, ',', ' '} + name;
}

std::string spelled_values(const Parameter& parameter) {
    if (parameter.values.empty()) {
        return {};
    }
    const std::string values = "=" + std::string(parameter.values);
    return parameter.optional_value ? "[" + values + "]" : values;
}

const std::string* Arguments::value(std::string_view name) const {
    const auto found =
        std::find_if(given.begin(), given.end(), [name](const auto& entry) { return entry.first == name; });
    return found == given.end() ? nullptr : &found->second;
}

std::vector<Parameter> guard_parameters_of(GuardOptions guard, std::span<const Parameter> own) {
    const auto is_own = [own](std::string_view name) {
        return std::any_of(own.begin(), own.end(),
                           [name](const Parameter& parameter) { return parameter.name == name; });
    };
    std::vector<Parameter> parameters;
    for (const Option& option : option_table()) {
        const bool is_plan = option.name == "listen" || option.name == "ephemeral";
        if ((guard == GuardOptions::all || (guard == GuardOptions::plan && is_plan)) &&
            !is_own(option.name)) {
            parameters.push_back({.name = option.name,
                                  .values = option.values,
                                  .fallback = option.fallback,
                                  .help = option.help,
                                  .optional_value = !option.alone.empty(),
                                  .alone = option.alone});
        }
    }
    if (guard != GuardOptions::none) {
        parameters.push_back(config_parameter);
    }
    return parameters;
}

std::vector<Parameter> parameters_of(const Command& command) {
    std::vector<Parameter> parameters = guard_parameters_of(command.guard, command.own);
    parameters.insert(parameters.end(), command.own.begin(), command.own.end());
    parameters.push_back(help_parameter);
    return parameters;
}

std::span<const Command* const> all_commands() {
    static constexpr std::array commands{
        &run_command,        &check_command, &plan_command,   &map_command,     &who_command,
        &rescue_command,     &hold_command,  &lease_command,  &events_command,  &metrics_command,
        &repro_command,      &ci_command,    &enable_command, &disable_command, &config_command,
        &completion_command, &help_command,  &man_command,    &version_command};
    return commands;
}

std::span<const Command* const> hidden_commands() {
    static constexpr std::array commands{&explain_command, &catalog_command};
    return commands;
}

} // namespace portguard::tools
