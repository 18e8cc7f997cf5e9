// UTF-8 of one character of a script's.
#pragma once

#include <cstdint>
#include <string>

namespace portguard {

/// What is no character of Unicode's, a surrogate among them, becomes U+FFFD.
inline void append_utf8(std::string& text, std::uint32_t character) {
    constexpr std::uint32_t replacement = 0xfffd;
    const bool is_none = character > 0x10ffff || (character >= 0xd800 && character < 0xe000);
    const std::uint32_t code = is_none ? replacement : character;
    const auto rest = [&](unsigned shift) {
        text.push_back(static_cast<char>(0x80 | (code >> shift & 0x3f)));
    };
    if (code < 0x80) {
        text.push_back(static_cast<char>(code));
    } else if (code < 0x800) {
        text.push_back(static_cast<char>(0xc0 | code >> 6));
        rest(0);
    } else if (code < 0x10000) {
        text.push_back(static_cast<char>(0xe0 | code >> 12));
        rest(6);
        rest(0);
    } else {
        text.push_back(static_cast<char>(0xf0 | code >> 18));
        rest(12);
        rest(6);
        rest(0);
    }
}

} // namespace portguard
