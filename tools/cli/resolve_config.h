// What the guard will do in the program: command line over environment over file, read as the preloaded
// object will read it there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/config.h"
#include "tools/cli/command.h"

namespace portguard::tools {

/// What becomes of a mistake in a file or in the environment; one on the command line is always refused.
enum class Mistakes : std::uint8_t {
    refused,
    /// Said on stderr and left out: who looks at a host is answered whatever its configuration is.
    reported,
};

class ResolvedConfig {
public:
    /// `environment` is NULL-terminated (environ(7)). Throws Refusal.
    ResolvedConfig(const Arguments& arguments, const char* const* environment,
                   Mistakes mistakes = Mistakes::refused);
    // The draft's places point into file_name_.
    ResolvedConfig(const ResolvedConfig&) = delete;
    ResolvedConfig& operator=(const ResolvedConfig&) = delete;

    [[nodiscard]] const Draft& draft() const { return draft_; }
    /// Environment variables, name and value, with which a program finds the same configuration wherever it
    /// changes its directory to.
    [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& variables() const {
        return variables_;
    }

private:
    void apply_file_of(const std::string* given, const char* const* environment);
    void apply_text(std::string_view text, bool is_given);
    void apply_whole(const Arguments& arguments);
    /// `why` of a mistake that was not made on the command line.
    void object(const Sentence& why) const;
    void apply_environment_of(const char* const* environment);
    void apply_command_line(const Arguments& arguments);
    [[nodiscard]] bool overrides(std::string_view entry) const;

    Mistakes mistakes_;
    Draft draft_;
    std::string file_name_;
    std::vector<std::pair<std::string, std::string>> variables_;
};

/// PORTGUARD_DENY_ERRNO for deny_errno.
std::string variable_name(std::string_view option);

} // namespace portguard::tools
