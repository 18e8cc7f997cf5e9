#include "tools/who/waiting.h"

#include <cstdio>
#include <string>

#include <poll.h>
#include <unistd.h>

#include "explain/holder_summary.h"
#include "tools/common/bind_verdict.h"
#include "tools/common/terminal_width.h"
#include "tools/who/who_answer.h"

namespace portguard::tools {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int pause_ms = 20;

std::string seconds_of(milliseconds time) {
    return time < std::chrono::seconds(1) ? std::to_string(time.count()) + " ms"
                                          : std::to_string(time.count() / 1000) + " s";
}

/// With the process that has it, which the wait itself has no need of.
std::string subject_of(const Question& question) {
    HolderOptions options;
    options.flags = false;
    const HolderReport report = find_holders(question.asked.address, question.protocol, options);
    std::string text = question.protocol == Protocol::udp ? "UDP " : "TCP ";
    text += tools::describe(question.asked);
    if (report.holders.empty()) {
        return text;
    }
    const auto left = report.holders.front().socket.timer_ms;
    return text + ", held by " + summarize_holders(report) +
           (left.has_value() ? ", " + seconds_of(milliseconds(*left)) + " left" : "");
}

/// What stands on stderr while one is waited for.
class Progress {
public:
    explicit Progress(const WaitWish& wish)
        : wish_(wish), is_terminal_(::isatty(STDERR_FILENO) == 1), start_(Clock::now()) {}
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress() {
        if (is_terminal_ && was_said_) {
            std::fputs("\r\x1b[K", stderr);
        }
    }

    void say(const Question& question) {
        const auto now = Clock::now();
        if (wish_.quiet || (was_said_ && (!is_terminal_ || now < next_))) {
            return;
        }
        next_ = now + std::chrono::seconds(1);
        const std::string passed =
            seconds_of(std::chrono::duration_cast<milliseconds>(now - start_)) + " of ";
        const std::string line = "portguard: waiting " + (was_said_ ? passed : "at most ") +
                                 seconds_of(wish_.most) + " for " + subject_of(question);
        was_said_ = true;
        if (is_terminal_) {
            const std::size_t width = width_of_terminal(STDERR_FILENO);
            std::fprintf(stderr, "\r\x1b[K%s", fitted(line, width - 1).c_str());
        } else {
            std::fprintf(stderr, "%s\n", line.c_str());
        }
    }

private:
    const WaitWish& wish_;
    bool is_terminal_;
    bool was_said_ = false;
    Clock::time_point start_;
    Clock::time_point next_{};
};

bool is_bindable(const Question& question, const WaitWish& wish, Progress& progress) {
    HolderOptions options;
    options.owners = wish.reuseaddr;
    options.settles = milliseconds(pause_ms / 2);
    const HolderReport report = find_holders(question.asked.address, question.protocol, options);
    const BindVerdict bind = judge_bind(question.asked.address, question.protocol, report);
    if (!WhoAnswer::is_in_use(wish.reuseaddr ? bind.reuseaddr : bind.plain)) {
        return true;
    }
    progress.say(question);
    return false;
}

} // namespace

void wait_until_bindable(const std::vector<Question>& questions, const WaitWish& wish) {
    const auto end = Clock::now() + wish.most;
    Progress progress(wish);
    for (const Question& question : questions) {
        while (!is_bindable(question, wish, progress)) {
            if (Clock::now() >= end) {
                return;
            }
            ::poll(nullptr, 0, pause_ms);
        }
    }
}

} // namespace portguard::tools
