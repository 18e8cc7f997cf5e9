// To tell a few dozen things apart and to choose evenly, where no one chooses the values to collide.
#pragma once

#include <cstddef>
#include <cstdint>

namespace portguard {

/// FNV-1a (Fowler, Noll, Vo), 64 bits.
class Fnv1a {
public:
    [[gnu::noinline]] Fnv1a& add(const void* data, std::size_t length) {
        for (std::size_t index = 0; index < length; ++index) {
            value_ = (value_ ^ static_cast<const unsigned char*>(data)[index]) * 0x100000001b3U;
        }
        return *this;
    }
    /// A value without padding.
    template <typename Value>
    Fnv1a& add(const Value& value) {
        return add(&value, sizeof value);
    }
    [[nodiscard]] std::uint64_t value() const { return value_; }

private:
    std::uint64_t value_ = 0xcbf29ce484222325U;
};

/// The finisher of SplitMix64 (Steele, Lea, Flood, 2014): neighbouring values give unrelated numbers.
constexpr std::uint64_t mixed(std::uint64_t value) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31);
}

} // namespace portguard
