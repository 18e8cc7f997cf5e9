// A look-up runs inside somebody else's failing call: it ends in time, whatever it has found by then.
#pragma once

#include <algorithm>
#include <chrono>

namespace portguard {

class Deadline {
public:
    explicit Deadline(std::chrono::milliseconds budget) : end_(std::chrono::steady_clock::now() + budget) {}

    [[nodiscard]] bool passed() const { return std::chrono::steady_clock::now() >= end_; }

    /// For poll(2): rounded up, so that a wait never ends just before the deadline; 0 once it has passed.
    [[nodiscard]] int remaining_ms() const {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(end_ - std::chrono::steady_clock::now());
        return static_cast<int>(std::max<std::chrono::milliseconds::rep>(left.count(), 0));
    }

private:
    std::chrono::steady_clock::time_point end_;
};

} // namespace portguard
