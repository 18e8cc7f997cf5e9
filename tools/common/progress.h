// A line on a terminal's stderr about what takes its time, gone once that is over.
#pragma once

#include <array>
#include <chrono>
#include <csignal>
#include <string>

namespace portguard::tools {

class Progress {
public:
    Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress() { clear(); }

    /// In place of the line before, and no wider than the terminal. Nothing where stderr is no terminal. A
    /// signal that ends the command takes the line off first.
    void say(const std::string& what);
    void clear();
    [[nodiscard]] bool is_terminal() const { return is_terminal_; }

    /// Those of the signals that a person sends.
    static constexpr std::array deadly{SIGINT, SIGTERM, SIGHUP, SIGQUIT};

private:
    bool is_terminal_;
    bool is_shown_ = false;
    std::array<struct sigaction, deadly.size()> before_{};
};

/// "12 s", "300 ms".
std::string seconds_in_words(std::chrono::milliseconds time);

/// Sleeps for `time`. Where that is more than a second, `what` is said meanwhile, with how much of it has
/// passed.
void sleep_and_say(std::chrono::milliseconds time, const std::string& what);

} // namespace portguard::tools
