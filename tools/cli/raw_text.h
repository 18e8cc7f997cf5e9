// The texts of a Command: raw strings, so that they can be read and found in the source as they are shown.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace portguard::tools {

/// What empty lines part, each on one line.
std::vector<std::string> paragraphs_of(std::string_view text);

/// Those that are not empty.
std::vector<std::string_view> lines_of(std::string_view text);

struct ExitStatus {
    /// "0", "else".
    std::string_view status;
    std::string_view meaning;
};

/// As of Command::exit_status.
std::vector<ExitStatus> statuses_of(std::string_view text);

} // namespace portguard::tools
