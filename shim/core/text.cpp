#include "core/text.h"

#include <cstring>

#include "core/division.h"

namespace portguard {
namespace {

bool is_blank(char character) {
    return character == ' ' || character == '\t' || character == '\r';
}

bool is_printable_ascii(char character) {
    return character >= ' ' && character <= '~';
}

} // namespace

TextWriter::TextWriter(char* memory, std::size_t capacity) : memory_(memory), capacity_(capacity) {}

TextWriter& TextWriter::add(std::string_view text) {
    const std::size_t room = capacity_ - used_;
    const std::size_t taken = text.size() < room ? text.size() : room;
    truncated_ = truncated_ || taken < text.size();
    if (taken != 0) {
        std::memcpy(memory_ + used_, text.data(), taken);
        used_ += taken;
    }
    return *this;
}

TextWriter& TextWriter::add(const char* text) {
    return add(std::string_view(text));
}

TextWriter& TextWriter::add(char character) {
    return add(std::string_view(&character, 1));
}

TextWriter& TextWriter::add_number(std::uint64_t value) {
    char digits[20];
    std::size_t first = sizeof digits;
    do {
        digits[--first] = static_cast<char>('0' + divide(value, 10));
    } while (value != 0);
    return add(std::string_view(digits + first, sizeof digits - first));
}

TextWriter& TextWriter::add_hex(std::uint64_t value) {
    char digits[16];
    std::size_t first = sizeof digits;
    do {
        digits[--first] = "0123456789abcdef"[value % 16];
        value /= 16;
    } while (value != 0);
    return add(std::string_view(digits + first, sizeof digits - first));
}

TextWriter& TextWriter::add_untrusted(std::string_view text) {
    for (const char character : text) {
        add(is_printable_ascii(character) ? character : '?');
    }
    return *this;
}

TextWriter& TextWriter::add_excerpt(std::string_view text) {
    const bool cut = text.size() > excerpt_length;
    add_untrusted({text.data(), cut ? excerpt_length : text.size()});
    return add(cut ? "..." : "");
}

void TextWriter::clear() {
    used_ = 0;
    truncated_ = false;
}

bool starts_with(std::string_view text, std::string_view prefix) {
    return text.size() >= prefix.size() && std::string_view(text.data(), prefix.size()) == prefix;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_blank(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

std::string_view next_field(std::string_view& text, char separator) {
    const std::size_t length = text.find(separator);
    const std::string_view field(text.data(), length == std::string_view::npos ? text.size() : length);
    text.remove_prefix(length == std::string_view::npos ? text.size() : length + 1);
    return field;
}

std::string_view base_name(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    if (slash != std::string_view::npos) {
        path.remove_prefix(slash + 1);
    }
    return path;
}

} // namespace portguard
