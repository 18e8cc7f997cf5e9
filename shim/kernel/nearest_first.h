// An order to search a row by: a few all over it, then the neighbours of whichever is nearest so far. For
// something that is among its like, and no worse than another order where the row is a jumble. Pure.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace portguard {

inline constexpr std::uint32_t infinitely_far = std::numeric_limits<std::uint32_t>::max();

class NearestFirst {
public:
    explicit NearestFirst(std::size_t count)
        : seen_(count, false), step_(static_cast<std::size_t>(std::sqrt(static_cast<double>(count)))) {}

    /// Of those that were not noted; nothing: all were.
    std::optional<std::size_t> next() {
        for (; sample_ < seen_.size(); sample_ += step_) {
            if (!seen_[sample_]) {
                return sample_;
            }
        }
        while (before_ != 0 && seen_[before_ - 1]) {
            --before_;
        }
        while (behind_ != seen_.size() && seen_[behind_]) {
            ++behind_;
        }
        const bool has_behind = behind_ != seen_.size();
        if (before_ == 0 || (has_behind && behind_ - nearest_ <= nearest_ - (before_ - 1))) {
            return has_behind ? std::optional(behind_) : std::nullopt;
        }
        return before_ - 1;
    }

    /// What came of looking at `index`, or was known of it.
    void note(std::size_t index, std::uint32_t distance) {
        seen_[index] = true;
        if (distance < distance_) {
            distance_ = distance;
            nearest_ = before_ = behind_ = index;
        }
    }

private:
    std::vector<bool> seen_;
    std::size_t step_;
    std::size_t sample_ = 0;
    std::size_t nearest_ = 0;
    std::uint32_t distance_ = infinitely_far;
    /// All from before_ up to behind_ were looked at.
    std::size_t before_ = 0;
    std::size_t behind_ = 0;
};

} // namespace portguard
