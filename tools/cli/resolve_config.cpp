#include "tools/cli/resolve_config.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "core/options.h"
#include "tools/cli/values.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

constexpr std::string_view config_name = "config";
constexpr std::array<std::string_view, 2> log_names{"log", "record"};
constexpr std::string_view file_prefix = "file:";

/// The program and its children may look from another directory. Not made canonical: the name stays the one
/// that was given.
std::string absolute(std::string_view path) {
    std::error_code error;
    const std::filesystem::path result = std::filesystem::absolute(path, error);
    if (error) {
        throw Refusal(ExitCode::usage, "'" + shown(path) +
                                           "' is relative, and the current directory is unknown (" +
                                           error.message() + "); use an absolute path");
    }
    return result.string();
}

std::string absolute_log(std::string_view name, const std::string& value) {
    std::string_view path = trimmed(value);
    const bool is_log = std::find(log_names.begin(), log_names.end(), name) != log_names.end();
    if (!is_log || !path.starts_with(file_prefix) || path == file_prefix) {
        return value;
    }
    path.remove_prefix(file_prefix.size());
    return std::string(file_prefix) + absolute(path);
}

[[noreturn]] void refuse_file(const std::string& path, const char* origin, const std::string& reason) {
    throw Refusal(ExitCode::usage, "config=" + shown(path) + " (" + origin + "): " + reason +
                                       "; name a readable file of at most 64 KiB, or leave `config` out");
}

/// Empty text and false: there is no such file.
bool read_file(const std::string& path, const char* origin, std::string& text) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        if (errno == ENOENT) {
            return false;
        }
        refuse_file(path, origin, std::strerror(errno));
    }
    // A directory opens, and only then refuses to be read.
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) {
        refuse_file(path, origin, std::strerror(EISDIR));
    }
    // No more: what never ends can be read, too.
    text.resize(config_file_capacity);
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() >= config_file_capacity) {
        refuse_file(path, origin, "the file is too long");
    }
    return true;
}

} // namespace

std::string variable_name(std::string_view option) {
    std::string name(environment_prefix);
    for (const char character : option) {
        name += character >= 'a' && character <= 'z' ? static_cast<char>(character - 'a' + 'A') : character;
    }
    return name;
}

ResolvedConfig::ResolvedConfig(const Arguments& arguments, const char* const* environment, Mistakes mistakes)
    : mistakes_(mistakes) {
    apply_file_of(arguments.value(config_name), environment);
    for (const auto& [name, value] : arguments.given) {
        if (find_option(name) != option_table().size()) {
            variables_.emplace_back(variable_name(name), absolute_log(name, value));
        }
    }
    apply_environment_of(environment);
    apply_command_line(arguments);
    apply_whole(arguments);
}

void ResolvedConfig::object(const Sentence& why) const {
    if (mistakes_ == Mistakes::refused) {
        throw Refusal(ExitCode::usage, std::string(why.view()));
    }
    std::fprintf(stderr, "portguard: %s; left out\n", std::string(why.view()).c_str());
}

void ResolvedConfig::apply_whole(const Arguments& arguments) {
    Sentence why;
    if (check_whole(draft_, why)) {
        return;
    }
    object(why);
    draft_ = {};
    apply_command_line(arguments);
    Sentence still;
    if (!check_whole(draft_, still)) {
        throw Refusal(ExitCode::usage, std::string(still.view()));
    }
}

void ResolvedConfig::apply_file_of(const std::string* given, const char* const* environment) {
    const char* const inherited = config_path_in(environment);
    const bool is_default = given == nullptr && inherited == nullptr;
    const char* const origin = given != nullptr       ? "command line"
                               : inherited != nullptr ? "environment"
                                                      : "default";
    const std::string path = given != nullptr       ? *given
                             : inherited != nullptr ? std::string(inherited)
                                                    : std::string(default_config_path);
    file_name_ = path.empty() || is_default ? path : absolute(path);
    std::string text;
    try {
        if (!read_file(file_name_, origin, text) && !is_default) {
            refuse_file(path, origin, "there is no such file");
        }
    } catch (const Refusal& refusal) {
        if (given != nullptr || mistakes_ == Mistakes::refused) {
            throw;
        }
        std::fprintf(stderr, "portguard: %s; left out\n", refusal.what());
        return;
    }
    apply_text(text, given != nullptr);
    if (!is_default) {
        variables_.emplace_back(variable_name(config_name), file_name_);
    }
}

void ResolvedConfig::apply_text(std::string_view text, bool is_given) {
    Sentence why;
    Draft whole = draft_;
    if (apply_file(whole, text, file_name_, why)) {
        draft_ = whole;
        return;
    }
    if (is_given) {
        throw Refusal(ExitCode::usage, std::string(why.view()));
    }
    // Line by line, each behind as many empty ones as keep its number.
    for (std::string before; !text.empty(); before += '\n') {
        Sentence wrong;
        if (!apply_file(draft_, before + std::string(next_field(text, '\n')), file_name_, wrong)) {
            object(wrong);
        }
    }
}

bool ResolvedConfig::overrides(std::string_view entry) const {
    const std::string_view name = next_field(entry, '=');
    return std::any_of(variables_.begin(), variables_.end(),
                       [name](const auto& variable) { return variable.first == name; });
}

void ResolvedConfig::apply_environment_of(const char* const* environment) {
    // What the command line replaces never reaches the program, so it need not be right either.
    std::vector<const char*> kept;
    for (; environment != nullptr && *environment != nullptr; ++environment) {
        if (!overrides(*environment)) {
            kept.push_back(*environment);
        }
    }
    for (const char* const entry : kept) {
        const std::array<const char*, 2> alone{entry, nullptr};
        Sentence why;
        if (!apply_environment(draft_, alone.data(), why)) {
            object(why);
        }
    }
}

void ResolvedConfig::apply_command_line(const Arguments& arguments) {
    const Place place{Origin::command_line, {}, 0};
    for (const auto& [name, value] : arguments.given) {
        if (find_option(name) == option_table().size()) {
            continue;
        }
        Sentence why;
        if (!apply_option(draft_, name, absolute_log(name, value), place, why)) {
            const std::string_view values = option_table()[find_option(name)].values;
            throw Refusal(ExitCode::usage,
                          std::string(why.view()) + suggestion(value, closed_values({name, values, "", ""})));
        }
    }
}

} // namespace portguard::tools
