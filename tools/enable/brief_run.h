// A program run to its end, and what became of it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace portguard::tools {

struct BriefRun {
    std::vector<std::string> words;
    std::vector<std::string> environment = {};
    /// In the child, before it becomes the program; false: it ends as one that cannot be started.
    std::function<bool()> prepare = [] { return true; };
};

struct Ended {
    /// As waitpid(2) has it; null: it did not end by itself.
    std::optional<int> status;
    std::string output;
    std::string errors;

    friend bool operator==(const Ended&, const Ended&) = default;

    /// As env(1) and the shells say of a program that they cannot start, and loaders of one without its
    /// libraries.
    [[nodiscard]] bool could_not_start() const;
    /// "ends with status 1 and says '...'".
    [[nodiscard]] std::string described() const;
};

Ended run_briefly(const BriefRun& run);

} // namespace portguard::tools
