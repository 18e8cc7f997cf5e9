#include "tools/common/launchers.h"

#include <algorithm>
#include <array>
#include <span>

#include "core/text.h"
#include "tools/common/preload_list.h"
#include "tools/common/program_file.h"
#include "tools/common/shell_words.h"

namespace portguard::tools {
namespace {

/// What getopt_long(3) is told, as far as it decides where the other program's words begin.
struct Syntax {
    std::string_view name;
    /// Letters and long names of options whose value may be the next word.
    std::string_view valued = {};
    std::string_view long_valued = {};
    /// Letters of options with which the rest names no program.
    std::string_view programless = {};
    /// Words that stand between the options and the program.
    std::size_t operands = 0;
};

constexpr std::array syntaxes{
    Syntax{.name = "chrt",
           .valued = "TPD",
           .long_valued = "sched-runtime sched-period sched-deadline",
           .programless = "pm",
           .operands = 1},
    Syntax{.name = "ionice", .valued = "cn", .long_valued = "class classdata", .programless = "pPu"},
    Syntax{.name = "nice", .valued = "n", .long_valued = "adjustment"},
    Syntax{.name = "nohup"},
    Syntax{.name = "setsid"},
    Syntax{.name = "stdbuf", .valued = "ioe", .long_valued = "input output error"},
    Syntax{.name = "taskset", .programless = "p", .operands = 1},
    Syntax{.name = "timeout", .valued = "ks", .long_valued = "kill-after signal", .operands = 1},
};

constexpr Syntax env_syntax{.name = "env", .valued = "uCS", .long_valued = "unset chdir split-string"};
constexpr Syntax shell_syntax{.name = "sh", .valued = "oO", .long_valued = "init-file rcfile"};

constexpr auto shells = std::to_array<std::string_view>({"bash", "dash", "ksh", "mksh", "sh", "zsh"});

/// Their program finds an environment made anew, whatever options they are given: sudo -E drops LD_PRELOAD
/// too.
constexpr auto cleaners = std::to_array<std::string_view>({"doas", "pkexec", "sudo"});

/// What a shell does by itself, although there may be a file of that name (POSIX, 1.6 and 2.14).
constexpr auto builtins = std::to_array<std::string_view>(
    {".",     ":",      "[",      "alias", "bg",       "break",  "cd",      "command", "continue", "echo",
     "eval",  "exit",   "export", "false", "fc",       "fg",     "getopts", "hash",    "jobs",     "kill",
     "local", "printf", "pwd",    "read",  "readonly", "return", "set",     "shift",   "source",   "test",
     "times", "trap",   "true",   "type",  "ulimit",   "umask",  "unalias", "unset",   "wait",     "exec"});

template <typename Range>
bool holds(const Range& range, std::string_view value) {
    return std::find(range.begin(), range.end(), value) != range.end();
}

/// getopt_long(3) takes any beginning of a long name.
bool takes_value(std::string_view long_names, std::string_view beginning) {
    while (!long_names.empty()) {
        if (next_field(long_names, ' ').starts_with(beginning)) {
            return true;
        }
    }
    return false;
}

struct Option {
    /// The letter, or the long name as it was written.
    std::string_view name;
    std::string_view value;
};

/// The options of a command line up to the first word that is none.
class OptionReader {
public:
    OptionReader(const Syntax& syntax, std::span<const std::string> words) : syntax_(syntax), rest_(words) {}

    std::optional<Option> next() {
        if (letters_.empty() && !begin_word()) {
            return std::nullopt;
        }
        if (!long_name_.empty()) {
            return take_long();
        }
        const std::string_view letter = letters_.substr(0, 1);
        letters_.remove_prefix(1);
        if (syntax_.valued.find(letter) == std::string_view::npos) {
            return Option{letter, {}};
        }
        const std::string_view attached = letters_;
        letters_ = {};
        return Option{letter, attached.empty() ? take_word() : attached};
    }

    [[nodiscard]] std::span<const std::string> rest() const { return rest_; }

private:
    bool begin_word() {
        if (rest_.empty() || rest_[0].size() < 2 || rest_[0][0] != '-') {
            return false;
        }
        const std::string_view word = take_word();
        if (word == "--") {
            return false;
        }
        (word[1] == '-' ? long_name_ : letters_) = word.substr(word[1] == '-' ? 2 : 1);
        return true;
    }

    Option take_long() {
        const std::size_t equals = long_name_.find('=');
        Option option{long_name_.substr(0, equals), {}};
        if (equals != std::string_view::npos) {
            option.value = long_name_.substr(equals + 1);
        } else if (takes_value(syntax_.long_valued, option.name)) {
            option.value = take_word();
        }
        long_name_ = {};
        return option;
    }

    std::string_view take_word() {
        if (rest_.empty()) {
            return {};
        }
        const std::string_view word = rest_[0];
        rest_ = rest_.subspan(1);
        return word;
    }

    const Syntax& syntax_;
    std::span<const std::string> rest_;
    std::string_view letters_;
    std::string_view long_name_;
};

void unset(Launch& launch, std::string_view name) {
    launch.drops_preload = launch.drops_preload || name == preload_variable;
    if (name == "PATH") {
        launch.path = path_without_path;
    }
}

/// `words` begins with assignments, as those of env(1) and of a shell's command.
void take_assigned(Launch& launch, std::span<const std::string> words) {
    for (; !words.empty() && words[0].find('=') != std::string::npos; words = words.subspan(1)) {
        const std::string_view word = words[0];
        const std::string_view value = word.substr(word.find('=') + 1);
        if (word.starts_with("PATH=")) {
            launch.path = value;
        } else if (word.substr(0, word.find('=')) == preload_variable) {
            launch.drops_preload = value.find(shim_name) == std::string_view::npos;
        }
    }
    launch.words.assign(words.begin(), words.end());
}

void ignore_environment(Launch& launch) {
    launch.drops_preload = true;
    launch.path = path_without_path;
}

bool is(const Option& option, std::string_view letter, std::string_view long_name) {
    return option.name == letter || (option.name.size() > 1 && long_name.starts_with(option.name));
}

bool is_relative(std::string_view path) {
    return path.find('/') != std::string_view::npos && path[0] != '/';
}

/// What follows the options: the environment's last changes, and the program.
void take_operands_of_env(Launch& launch, std::span<const std::string> words) {
    if (!words.empty() && words[0] == "-") {
        ignore_environment(launch);
        words = words.subspan(1);
    }
    take_assigned(launch, words);
}

Launch launch_of_env(Words words) {
    Launch launch;
    bool changes_folder = false;
    // One turn for each -S: its words stand in its place, options among them.
    for (bool again = true; again;) {
        again = false;
        OptionReader options(env_syntax, words);
        std::optional<Option> option;
        while (!again && (option = options.next())) {
            if (is(*option, "i", "ignore-environment")) {
                ignore_environment(launch);
            } else if (is(*option, "u", "unset")) {
                unset(launch, option->value);
            } else if (is(*option, "C", "chdir")) {
                changes_folder = true;
            } else if (is(*option, "S", "split-string")) {
                std::optional<Words> split = words_of_split_string(option->value);
                if (!split) {
                    return {};
                }
                split->insert(split->end(), options.rest().begin(), options.rest().end());
                words = std::move(*split);
                again = true;
            }
        }
        if (!again) {
            take_operands_of_env(launch, options.rest());
        }
    }
    // Without a program env(1) prints; a relative path counts from the other folder.
    const bool is_program = !launch.words.empty() && !(changes_folder && is_relative(launch.words[0]));
    return is_program ? launch : Launch{};
}

/// `sh -c TEXT`. Only a simple command is looked through.
Launch launch_of_shell(std::span<const std::string> words) {
    OptionReader options(shell_syntax, words);
    bool has_text = false;
    while (const auto option = options.next()) {
        has_text = has_text || option->name == "c";
    }
    if (!has_text || options.rest().empty()) {
        return {};
    }
    Launch launch;
    take_assigned(launch, words_of_simple_command(options.rest()[0]).value_or(Words{}));
    if (!launch.words.empty() && launch.words[0] == "exec") {
        launch.words.erase(launch.words.begin());
    }
    const bool is_program = !launch.words.empty() && !holds(builtins, launch.words[0]);
    return is_program ? launch : Launch{};
}

Launch launch_by(const Syntax& syntax, std::span<const std::string> words) {
    OptionReader options(syntax, words);
    while (const auto option = options.next()) {
        if (option->name.size() == 1 && syntax.programless.find(option->name) != std::string_view::npos) {
            return {};
        }
    }
    std::span<const std::string> rest = options.rest();
    rest = rest.subspan(std::min(syntax.operands, rest.size()));
    return {.words = {rest.begin(), rest.end()}, .path = {}, .drops_preload = false};
}

/// `su -`, also as root, whom plain su leaves the environment.
bool is_login(std::span<const std::string> words) {
    return std::any_of(words.begin(), words.end(), [](const std::string& word) {
        return word == "-" || word == "-l" || word == "--login";
    });
}

} // namespace

Launch launch_of(std::string_view name, const Words& words) {
    const std::span<const std::string> arguments =
        std::span(words).subspan(std::min<std::size_t>(1, words.size()));
    if (name == env_syntax.name) {
        return launch_of_env({arguments.begin(), arguments.end()});
    }
    if (holds(shells, name)) {
        return launch_of_shell(arguments);
    }
    if (holds(cleaners, name) || ((name == "su" || name == "runuser") && is_login(arguments))) {
        return {.words = {}, .path = {}, .drops_preload = true};
    }
    for (const Syntax& syntax : syntaxes) {
        if (syntax.name == name) {
            return launch_by(syntax, arguments);
        }
    }
    return {};
}

} // namespace portguard::tools
