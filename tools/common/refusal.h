// How the command says no: one sentence on stderr and one exit status, thrown from wherever it is noticed and
// written by main() alone.
#pragma once

#include <stdexcept>
#include <string>

namespace portguard::tools {

enum class ExitCode : int {
    success = 0,
    /// Output could not be written.
    failure = 1,
    /// An audit found something.
    findings = 1,
    /// The command line or the configuration is wrong.
    usage = 2,
    /// The guard would not be in the program.
    unreachable = 3,
    /// As env(1), nohup(1) and the shells have them.
    not_executable = 126,
    not_found = 127,
};

class Refusal : public std::runtime_error {
public:
    /// `sentence` names value, reason and way out, without a full stop.
    Refusal(ExitCode code, const std::string& sentence) : std::runtime_error(sentence), code_(code) {}

    [[nodiscard]] ExitCode code() const { return code_; }

private:
    ExitCode code_;
};

} // namespace portguard::tools
