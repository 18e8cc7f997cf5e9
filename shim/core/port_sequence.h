// Every port of a range or set once, from a start and in steps that differ from process to process.
#pragma once

#include <cstdint>

#include "core/port_set.h"

namespace portguard {

/// The numbers 0 to size-1, each once.
class Permutation {
public:
    Permutation(std::uint32_t size, std::uint64_t seed);

    [[nodiscard]] bool is_done() const { return given_ == size_; }
    std::uint32_t next();

private:
    std::uint32_t size_;
    std::uint32_t step_ = 1;
    std::uint32_t current_ = 0;
    std::uint32_t given_ = 0;
};

/// The ports to try for one socket. The set or range must live as long.
class PortSequence {
public:
    PortSequence(PortRange range, std::uint64_t seed);
    /// The ports of `ports` that need no privilege; where there are none of these, all.
    PortSequence(const PortSet& ports, std::uint64_t seed);

    /// 0: all have been given.
    std::uint16_t next();

private:
    const PortSet* ports_ = nullptr;
    std::uint16_t low_;
    Permutation order_;
};

} // namespace portguard
