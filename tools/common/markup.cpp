#include "tools/common/markup.h"

#include <cstdint>

namespace portguard::tools {
namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";
constexpr char32_t no_character = 0xffffffff;

/// Takes the first character off `text`.
char32_t take_character(std::string_view& text) {
    const auto byte = [&text](std::size_t index) { return static_cast<unsigned char>(text[index]); };
    const unsigned char lead = byte(0);
    const std::size_t length = lead < 0x80       ? 1
                               : lead >> 5 == 6  ? 2
                               : lead >> 4 == 14 ? 3
                               : lead >> 3 == 30 ? 4
                                                 : 0;
    if (length <= 1 || length > text.size()) {
        text.remove_prefix(1);
        return length == 1 ? lead : no_character;
    }
    char32_t character = lead & (0xffU >> (length + 1));
    for (std::size_t index = 1; index < length; ++index) {
        if (byte(index) >> 6 != 2) {
            text.remove_prefix(1);
            return no_character;
        }
        character = character << 6 | (byte(index) & 0x3fU);
    }
    text.remove_prefix(length);
    return character;
}

bool is_harmful(char32_t character) {
    const bool is_control = character < 0x20 || (character >= 0x7f && character < 0xa0);
    const bool turns_writing = character == 0x61c || character == 0x200e || character == 0x200f ||
                               (character >= 0x2028 && character <= 0x202e) ||
                               (character >= 0x2066 && character <= 0x2069);
    const bool is_forbidden = (character >= 0xd800 && character <= 0xdfff) || character == 0xfffe ||
                              character == 0xffff || character > 0x10ffff;
    return is_control || turns_writing || is_forbidden;
}

} // namespace

std::string escaped_markup(std::string_view text) {
    std::string result;
    while (!text.empty()) {
        const std::string_view before = text;
        const char32_t character = take_character(text);
        switch (character) {
        case '&': result += "&amp;"; break;
        case '<': result += "&lt;"; break;
        case '>': result += "&gt;"; break;
        case '"': result += "&quot;"; break;
        case '\'': result += "&#39;"; break;
        default:
            result += is_harmful(character) ? replacement : before.substr(0, before.size() - text.size());
        }
    }
    return result;
}

} // namespace portguard::tools
