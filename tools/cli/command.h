// What the command line looks like, as data: parser, help, man pages and completion are made from it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portguard::tools {

using Choices = std::vector<std::string_view>();

struct Parameter {
    /// With underscores, as in a configuration file; spelled() is the command line's form.
    std::string_view name;
    /// What may stand there, as --help shows it; empty: a switch.
    std::string_view values;
    /// What holds without it, in words; empty: nothing worth telling.
    std::string_view fallback;
    std::string_view help;
    /// The name alone is enough, and the word after it is not its value.
    bool optional_value = false;
    /// The closed list that `values` names in one word; null: `values` is all there is to know.
    Choices* choices = nullptr;
    /// 'j' of -j; 0: there is none.
    char letter = 0;
    /// The value that the name alone stands for, with optional_value.
    std::string_view alone = {};
};

/// "deny_errno" as "--deny-errno".
std::string spelled(std::string_view name);
/// "-j, --json".
std::string spelled_with_letter(const Parameter& parameter);
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

inline constexpr Parameter help_parameter{
    .name = "help", .values = "", .fallback = "", .help = "show the help of the command", .letter = 'h'};

/// Words that are no options, such as PORT. They may stand before, between and after the options.
struct Operand {
    std::string_view name;
    unsigned least = 0;
    unsigned most = 0;
    /// As of Parameter.
    Choices* choices = nullptr;
};

/// Which options of core's option_table() mean something to a command: the others are refused.
enum class GuardOptions : std::uint8_t {
    none,
    /// `listen` and `ephemeral`.
    plan,
    all,
};

/// What stands in Combination for the program that is started.
inline constexpr std::string_view program_word = "PROGRAM";

/// Of two options, by name, or an option and program_word.
struct Combination {
    enum class Kind : std::uint8_t {
        /// One of the two would mean nothing.
        excluded,
        /// The first means something only with the second.
        needed,
    };
    std::string_view name;
    Kind kind;
    std::string_view other;
};
inline constexpr Combination::Kind excluded = Combination::Kind::excluded;
inline constexpr Combination::Kind needed = Combination::Kind::needed;

struct Command {
    std::string_view name;
    /// What it does, in one line.
    std::string_view summary;
    /// Paragraphs with an empty line between them. The first is in --help, all are in the man page.
    std::string_view description;
    /// Lines: a status or `else`, blanks, its meaning.
    std::string_view exit_status;
    /// Lines to paste.
    std::string_view examples;
    Operand operand = {};
    /// Words after the parameters, or after "--" where there are operands, are a program and its arguments.
    bool takes_program = false;
    GuardOptions guard = GuardOptions::none;
    /// Besides --config and the options of the guard.
    std::span<const Parameter> own;
    std::span<const Combination> combinations = {};
    int (*run)(const Arguments& arguments) = nullptr;
};

/// Everything that may be given to `command`.
std::vector<Parameter> parameters_of(const Command& command);
/// Those options of the guard, with --config, that mean something to it.
/// One that `own` has, too, is left out: the command gives it a meaning of its own.
std::vector<Parameter> guard_parameters_of(GuardOptions guard, std::span<const Parameter> own = {});

/// `words` is what follows the command's name. Throws Refusal. The one place that knows the parser library,
/// which is costly to compile, is command_line.cpp.
Arguments parse_command_line(const Command& command, const std::vector<std::string>& words);

/// Those that help, man page and completion list.
std::span<const Command* const> all_commands();
/// Those that only developers need.
std::span<const Command* const> hidden_commands();

extern const Command run_command;
extern const Command check_command;
extern const Command plan_command;
extern const Command map_command;
extern const Command rescue_command;
extern const Command hold_command;
extern const Command lease_command;
extern const Command who_command;
extern const Command events_command;
extern const Command metrics_command;
extern const Command explain_command;
extern const Command catalog_command;
extern const Command ci_command;
extern const Command repro_command;
extern const Command enable_command;
extern const Command disable_command;
extern const Command config_command;
extern const Command completion_command;
extern const Command help_command;
extern const Command man_command;
extern const Command version_command;

} // namespace portguard::tools
