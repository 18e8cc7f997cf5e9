#include "tools/common/progress.h"

#include <algorithm>
#include <string_view>
#include <thread>

#include <unistd.h>

#include "tools/common/terminal_width.h"

namespace portguard::tools {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds second{1000};

constexpr std::string_view erased = "\r\033[K";

void write_to_terminal(std::string_view text) {
    static_cast<void>(!::write(STDERR_FILENO, text.data(), text.size()));
}

/// SA_RESETHAND: the signal ends the command once the handler has returned.
extern "C" void erase_and_end(int number) {
    write_to_terminal(erased);
    ::raise(number);
}

} // namespace

Progress::Progress() : is_terminal_(::isatty(STDERR_FILENO) == 1) {}

void Progress::say(const std::string& what) {
    if (!is_terminal_) {
        return;
    }
    for (std::size_t index = 0; !is_shown_ && index < deadly.size(); ++index) {
        struct sigaction ours {};
        ours.sa_handler = erase_and_end;
        ours.sa_flags = static_cast<int>(SA_RESETHAND);
        ::sigaction(deadly[index], nullptr, &before_[index]);
        if (before_[index].sa_handler == SIG_DFL) {
            ::sigaction(deadly[index], &ours, nullptr);
        }
    }
    is_shown_ = true;
    // The last column would begin the next line, and the two before it are for the ^C of the terminal.
    constexpr std::size_t left_free = 3;
    const std::size_t columns = width_of_terminal(STDERR_FILENO);
    write_to_terminal(std::string(erased) + fitted(what, columns - std::min(columns, left_free)));
}

void Progress::clear() {
    if (!is_shown_) {
        return;
    }
    write_to_terminal(erased);
    is_shown_ = false;
    for (std::size_t index = 0; index < deadly.size(); ++index) {
        ::sigaction(deadly[index], &before_[index], nullptr);
    }
}

std::string seconds_in_words(milliseconds time) {
    return time < second ? std::to_string(time.count()) + " ms" : std::to_string(time / second) + " s";
}

void sleep_and_say(milliseconds time, const std::string& what) {
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    const auto end = start + time;
    Progress progress;
    for (milliseconds passed{0}; start + passed < end; passed += second) {
        if (time > second) {
            progress.say(what + ", " + std::to_string(passed / second) + " of " + seconds_in_words(time));
        }
        std::this_thread::sleep_until(std::min(end, start + passed + second));
    }
}

} // namespace portguard::tools
