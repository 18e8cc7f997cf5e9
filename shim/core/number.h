// Numbers in text that may be anything: digits only, without sign or blank.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace portguard {

/// At least 16 where it is no digit of any base.
constexpr unsigned digit_value(char character) {
    constexpr unsigned none = 255;
    const auto byte = static_cast<unsigned char>(character);
    const unsigned letter = (byte | 0x20U) - 'a';
    return byte >= '0' && byte <= '9' ? byte - unsigned{'0'} : letter < 6 ? letter + 10 : none;
}

/// Takes the number that `text` begins with. Nothing, and `text` stays as it is: there is none, or it does
/// not fit.
template <typename Number>
constexpr std::optional<Number> take_number(std::string_view& text, unsigned base = 10) {
    Number value = 0;
    std::size_t length = 0;
    for (; length < text.size() && digit_value(text[length]) < base; ++length) {
        if (__builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, digit_value(text[length]), &value)) {
            return std::nullopt;
        }
    }
    if (length == 0) {
        return std::nullopt;
    }
    text.remove_prefix(length);
    return value;
}

/// Nothing where `text` is anything but a number that fits.
template <typename Number>
constexpr std::optional<Number> parse_number(std::string_view text, unsigned base = 10) {
    const std::optional<Number> number = take_number<Number>(text, base);
    return text.empty() ? number : std::nullopt;
}

} // namespace portguard
