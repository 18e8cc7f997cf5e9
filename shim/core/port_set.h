// Sets and ranges of ports: host byte order, 1 to 65535.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/text.h"

namespace portguard {

/// Both ends belong to the range; {0, 0} is "none", since port 0 is never a port of its own (bind(2)).
struct PortRange {
    std::uint16_t low = 0;
    std::uint16_t high = 0;

    [[nodiscard]] constexpr bool empty() const { return low == 0; }
    [[nodiscard]] constexpr bool contains(std::uint16_t port) const {
        return low <= port && port <= high && low != 0;
    }
    [[nodiscard]] constexpr std::uint32_t size() const { return empty() ? 0U : 1U + high - low; }
    friend constexpr bool operator==(PortRange, PortRange) = default;
};

/// The ports that both ranges hold.
constexpr PortRange intersection(PortRange left, PortRange right) {
    const std::uint16_t low = left.low > right.low ? left.low : right.low;
    const std::uint16_t high = left.high < right.high ? left.high : right.high;
    return left.empty() || right.empty() || low > high ? PortRange{} : PortRange{low, high};
}

/// One bit a port: a question costs one load whatever the number of ranges. 8 KiB; all zero is the empty set,
/// so that a static one costs nothing until it is filled, and then only up to its highest port.
class PortSet {
public:
    void insert(PortRange range);
    void insert(const PortSet& other);
    void clear();

    [[nodiscard]] bool contains(std::uint16_t port) const {
        return ((words_[port / 64U] >> (port % 64U)) & 1U) != 0;
    }
    [[nodiscard]] bool empty() const { return end_ == 0; }
    /// For one whose bytes came from elsewhere: nothing beyond it would be read.
    [[nodiscard]] bool is_sound() const { return end_ <= words_.size(); }
    /// The lowest run of neighbouring ports of the set at or above `from`; none: an empty range.
    [[nodiscard]] PortRange next_run(std::uint32_t from) const;
    /// The lowest port that both hold, or 0.
    [[nodiscard]] std::uint16_t first_common(PortRange range) const;
    /// How many ports of `range` are in the set.
    [[nodiscard]] std::uint32_t count(PortRange range) const;

private:
    /// Words from here on are zero: to look through all 1,024 would be half of what a plan adds to an exec
    /// (callgrind, /bin/true).
    std::uint32_t end_ = 0;
    /// Aligned as on 64 bits, where i386 would not: a Snapshot has one layout.
    alignas(8) std::array<std::uint64_t, 1024> words_{};
};

/// Reads one port (1 to 65535, decimal digits only) or returns 0.
std::uint16_t parse_port(std::string_view text);

/// Reads "15000-65000" or one port. False: `why` says what is wrong with which word, without a full stop.
bool parse_port_range(std::string_view text, PortRange& range, TextWriter& why);

/// Reads "80,443,5000-14999" (blanks around words are allowed) into `ports`, in place of what was there.
/// False: as above, and nothing is changed.
bool parse_port_set(std::string_view text, PortSet& ports, TextWriter& why);

void print_port_range(PortRange range, TextWriter& out);
void print_port_set(const PortSet& ports, TextWriter& out);

} // namespace portguard
