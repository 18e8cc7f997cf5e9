// FNV-1a (Fowler, Noll, Vo), 64 bits: to tell a few dozen things apart, where nobody chooses them to collide.
#pragma once

#include <cstddef>
#include <cstdint>

namespace portguard {

class Fnv1a {
public:
    Fnv1a& add(const void* data, std::size_t length) {
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

} // namespace portguard
