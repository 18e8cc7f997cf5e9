// Division of 64 bits by a small number. On i386 it is a call into libgcc, whose four functions would be 1.4
// KB of the preloaded object.
#pragma once

#include <cstdint>

namespace portguard {

/// Divides `value` in place by 1 to 65536, and returns what is left over: by hand, in digits of 16 bits.
constexpr std::uint32_t divide_by_digits(std::uint64_t& value, std::uint32_t divisor) {
    std::uint64_t quotient = 0;
    std::uint32_t rest = 0;
    for (int digit = 0; digit < 4; ++digit) {
        const std::uint32_t part = rest << 16 | static_cast<std::uint32_t>(value >> 48);
        value <<= 16;
        quotient = quotient << 16 | part / divisor;
        rest = part % divisor;
    }
    value = quotient;
    return rest;
}

#if defined(__i386__)
[[gnu::noinline]] inline std::uint32_t divide(std::uint64_t& value, std::uint32_t divisor) {
    return divide_by_digits(value, divisor);
}
#else
constexpr std::uint32_t divide(std::uint64_t& value, std::uint32_t divisor) {
    const auto rest = static_cast<std::uint32_t>(value % divisor);
    value /= divisor;
    return rest;
}
#endif

} // namespace portguard
