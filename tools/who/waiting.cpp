#include "tools/who/waiting.h"

#include <cstdio>
#include <string>

#include <poll.h>

#include "explain/holder_summary.h"
#include "tools/common/bind_verdict.h"
#include "tools/common/progress.h"
#include "tools/who/who_answer.h"

namespace portguard::tools {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int pause_ms = 20;

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
           (left.has_value() ? ", " + seconds_in_words(milliseconds(*left)) + " left" : "");
}

/// What stands on stderr while one is waited for.
class Waiting {
public:
    explicit Waiting(const WaitWish& wish) : wish_(wish), start_(Clock::now()) {}

    void say(const Question& question) {
        const auto now = Clock::now();
        if (wish_.quiet || (was_said_ && (!progress_.is_terminal() || now < next_))) {
            return;
        }
        next_ = now + std::chrono::seconds(1);
        const auto passed = std::chrono::duration_cast<milliseconds>(now - start_);
        const std::string line = "portguard: waiting " +
                                 (was_said_ ? seconds_in_words(passed) + " of " : "at most ") +
                                 seconds_in_words(wish_.most) + " for " + subject_of(question);
        was_said_ = true;
        if (progress_.is_terminal()) {
            progress_.say(line);
        } else {
            std::fprintf(stderr, "%s\n", line.c_str());
        }
    }

private:
    const WaitWish& wish_;
    Progress progress_;
    bool was_said_ = false;
    Clock::time_point start_;
    Clock::time_point next_{};
};

bool is_bindable(const Question& question, const WaitWish& wish, Waiting& waiting) {
    HolderOptions options;
    options.owners = wish.reuseaddr;
    options.settles = milliseconds(pause_ms / 2);
    const HolderReport report = find_holders(question.asked.address, question.protocol, options);
    const BindVerdict bind = judge_bind(question.asked.address, question.protocol, report);
    if (!WhoAnswer::is_in_use(wish.reuseaddr ? bind.reuseaddr : bind.plain)) {
        return true;
    }
    waiting.say(question);
    return false;
}

} // namespace

void wait_until_bindable(const std::vector<Question>& questions, const WaitWish& wish) {
    const auto end = Clock::now() + wish.most;
    Waiting waiting(wish);
    for (const Question& question : questions) {
        while (!is_bindable(question, wish, waiting)) {
            if (Clock::now() >= end) {
                return;
            }
            ::poll(nullptr, 0, pause_ms);
        }
    }
}

} // namespace portguard::tools
