// What the guard will do in the program: command line over environment over file, read as the preloaded
// object will read it there.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/config.h"
#include "tools/cli/command.h"

namespace portguard::tools {

class ResolvedConfig {
public:
    /// `environment` is NULL-terminated (environ(7)). Throws Refusal.
    ResolvedConfig(const Arguments& arguments, const char* const* environment);
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
    void apply_environment_of(const char* const* environment);
    void apply_command_line(const Arguments& arguments);
    [[nodiscard]] bool overrides(std::string_view entry) const;

    Draft draft_;
    std::string file_name_;
    std::vector<std::pair<std::string, std::string>> variables_;
};

/// PORTGUARD_DENY_ERRNO for deny_errno.
std::string variable_name(std::string_view option);

} // namespace portguard::tools
