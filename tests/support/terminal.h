// A program at a terminal of the test's own: pseudo terminals, see pty(7).
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "support/fd.h"

namespace portguard::test {

class Terminal {
public:
    /// `environment`: changes to the test's own, "NAME=value" or "NAME" to remove it.
    Terminal(const std::vector<std::string>& argv, const std::vector<std::string>& environment,
             unsigned short columns, unsigned short lines);
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;
    /// Ends the program.
    ~Terminal();

    [[nodiscard]] pid_t pid() const { return pid_; }
    /// Everything that it has written since, escapes included.
    const std::string& written();
    /// As if somebody pressed the keys: "\x03" is ctrl-C.
    void type(std::string_view keys) const;
    void resize(unsigned short columns, unsigned short lines) const;
    /// Whether typed keys are shown, and lines are waited for.
    [[nodiscard]] bool is_cooked() const;

    /// The status of waitpid(2), once it has ended; throws after five seconds.
    int wait_for_end();

private:
    pid_t pid_ = -1;
    Fd master_;
    /// Keeps the terminal there, and its settings to be read, once the program has gone.
    Fd slave_;
    std::string written_;
};

} // namespace portguard::test
