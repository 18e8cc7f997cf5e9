// What the command line looks like, as data. Parser and --help read it, and so can whatever else has to name
// the same words (a man page, a shell's completion).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portguard::tools {

struct Parameter {
    /// With underscores, as in a configuration file; spelled() is the command line's form.
    std::string_view name;
    /// What may stand there, as --help shows it; empty: a switch.
    std::string_view values;
    /// What holds without it, in words; empty: nothing worth telling.
    std::string_view fallback;
    std::string_view help;
    /// The name alone is enough, and the word after it is no value.
    bool optional_value = false;
};

/// "deny_errno" as "--deny-errno".
std::string spelled(std::string_view name);
/// "=auto|off", "[=N]"; empty for a switch.
std::string spelled_values(const Parameter& parameter);

/// A command line that has been read.
struct Arguments {
    /// Parameters that were given: name (with underscores) and value (empty for a switch,
    /// and where it is optional), one entry a name.
    std::vector<std::pair<std::string, std::string>> given = {};
    /// As many as Command::operand allows.
    std::vector<std::string> operands = {};
    /// PROGRAM and its arguments, untouched.
    std::vector<std::string> program = {};

    /// Null: not given.
    [[nodiscard]] const std::string* value(std::string_view name) const;
    [[nodiscard]] bool has(std::string_view name) const { return value(name) != nullptr; }
};

/// Words that are no options, such as PORT. They may stand before, between and after the options.
struct Operand {
    std::string_view name;
    unsigned least = 0;
    unsigned most = 0;
};

struct Command {
    std::string_view name;
    /// One line for the list of subcommands.
    std::string_view summary;
    /// A paragraph a line.
    std::string_view description;
    /// Lines to paste.
    std::string_view examples;
    Operand operand = {};
    /// Words after the parameters, or after "--" where there are operands, are a program and its arguments.
    bool takes_program = false;
    /// Besides --config and the options of core's option_table(), which every command takes.
    std::span<const Parameter> own;
    int (*run)(const Arguments& arguments) = nullptr;
};

/// Everything that may be given to `command`, in the order of --help.
std::vector<Parameter> parameters_of(const Command& command);

/// `words` is what follows the command's name. Throws Refusal. The one place that knows the parser library,
/// which is costly to compile, is command_line.cpp.
Arguments parse_command_line(const Command& command, const std::vector<std::string>& words);

/// Those that help, man page and completion list.
std::span<const Command* const> all_commands();
/// Those that only developers need.
std::span<const Command* const> hidden_commands();

/// A file a subcommand.
extern const Command run_command;
extern const Command check_command;
extern const Command plan_command;
extern const Command map_command;
extern const Command rescue_command;
extern const Command hold_command;
extern const Command who_command;
extern const Command events_command;
extern const Command explain_command;
extern const Command ci_command;
extern const Command repro_command;
extern const Command config_command;
extern const Command completion_command;
extern const Command man_command;

} // namespace portguard::tools
