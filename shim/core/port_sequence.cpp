#include "core/port_sequence.h"

#include "core/hash.h"

namespace portguard {
namespace {

// The default of net.ipv4.ip_unprivileged_port_start: bind to port 0 must not give a server port 80.
constexpr PortRange unprivileged{1024, 65535};
constexpr PortRange every_port{1, 65535};

std::uint32_t greatest_common_divisor(std::uint32_t left, std::uint32_t right) {
    while (right != 0) {
        const std::uint32_t rest = left % right;
        left = right;
        right = rest;
    }
    return left;
}

PortRange chosen_part(const PortSet& ports) {
    return ports.first_common(unprivileged) != 0 ? unprivileged : every_port;
}

} // namespace

Permutation::Permutation(std::uint32_t size, std::uint64_t seed) : size_(size) {
    if (size == 0) {
        return;
    }
    const std::uint64_t random = mixed(seed);
    current_ = static_cast<std::uint32_t>(random >> 32) % size;
    // A step without a common divisor visits every number; 1 always is one.
    step_ = static_cast<std::uint32_t>(random) % size;
    while (greatest_common_divisor(step_, size) != 1) {
        step_ = (step_ + 1) % size;
    }
}

std::uint32_t Permutation::next() {
    const std::uint32_t number = current_;
    // Both are less than the size; their sum may wrap around.
    current_ += step_;
    current_ -= current_ >= size_ || current_ < step_ ? size_ : 0;
    ++given_;
    return number;
}

PortSequence::PortSequence(PortRange range, std::uint64_t seed)
    : low_(range.low), order_(range.size(), seed) {}

PortSequence::PortSequence(const PortSet& ports, std::uint64_t seed)
    : ports_(&ports), low_(chosen_part(ports).low), order_(ports.count(chosen_part(ports)), seed) {}

std::uint16_t PortSequence::next() {
    if (order_.is_done()) {
        return 0;
    }
    std::uint32_t index = order_.next();
    if (ports_ == nullptr) {
        return static_cast<std::uint16_t>(low_ + index);
    }
    PortRange run = ports_->next_run(low_);
    while (!run.empty() && index >= run.size()) {
        index -= run.size();
        run = ports_->next_run(run.high + 1U);
    }
    return static_cast<std::uint16_t>(run.low + index);
}

} // namespace portguard
