#include "explain/text_block.h"

#include <algorithm>

#include "core/text.h"

namespace portguard {
namespace {

bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

bool starts_character(char byte) {
    return (static_cast<unsigned char>(byte) & 0xc0) != 0x80;
}

/// Up to the next blank that no quotes are around; takes it off `text`.
std::string_view next_word(std::string_view& text) {
    bool is_quoted = false;
    std::size_t end = 0;
    while (end < text.size() && (is_quoted || text[end] != ' ')) {
        is_quoted = is_quoted != (text[end] == '"');
        ++end;
    }
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return word;
}

} // namespace

std::string in_bold(std::string_view text) {
    return "\x1b[1m" + std::string(text) + "\x1b[0m";
}

std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts_character));
}

TextBlock::Room TextBlock::room_of(std::size_t terminal_columns, bool is_whole) {
    constexpr std::size_t every_line = 1'000'000;
    constexpr std::size_t least = 8;
    Room room{std::clamp(terminal_columns, least, columns)};
    room.lines = is_whole || room.columns < columns ? every_line : most_lines;
    return room;
}

void TextBlock::begin_line(std::string_view label) {
    const bool repeated = label == last_label_;
    const std::string shown(repeated ? "" : label);
    last_label_ = label;
    ++lines_;
    const bool is_narrow = room_.columns < narrow;
    text_ += is_narrow ? "\n" : "\n  ";
    text_ += coloured_ && !repeated ? in_bold(shown) : shown;
    if (is_narrow) {
        text_ += repeated ? "" : "\n";
        lines_ += repeated ? 0 : 1;
        text_.append(narrow_indent, ' ');
    } else {
        text_.append(indent - 2 - std::min(indent - 2, shown.size()), ' ');
    }
}

void TextBlock::add(std::string_view label, std::string_view paragraph) {
    wrap(label, paragraph, "");
}

void TextBlock::add_command(std::string_view label, std::string_view command) {
    wrap(label, command, " \\");
}

void TextBlock::wrap(std::string_view label, std::string_view paragraph, std::string_view ending) {
    if (lines_left() == 0) {
        return;
    }
    begin_line(label);
    std::size_t column = margin();
    bool first = true;
    while (!paragraph.empty()) {
        const std::string_view word = ending.empty() ? next_field(paragraph, ' ') : next_word(paragraph);
        const std::size_t width = width_of(word);
        const std::size_t end = paragraph.empty() ? room_.columns : room_.columns - ending.size();
        if (!first && column + 1 + width > end) {
            if (lines_left() == 0) {
                return;
            }
            text_ += ending;
            begin_line(last_label_);
            column = margin();
            first = true;
        }
        text_ += first ? "" : " ";
        text_ += word;
        column += width + (first ? 0 : 1);
        first = false;
    }
}

void TextBlock::add_whole(std::string_view label, std::string_view line) {
    if (lines_left() != 0) {
        begin_line(label);
        text_ += line;
    }
}

void TextBlock::add_cut(std::string_view label, std::string_view line) {
    if (lines_left() == 0) {
        return;
    }
    begin_line(label);
    const std::size_t room = room_.columns - margin();
    if (width_of(line) <= room) {
        text_ += line;
        return;
    }
    std::size_t taken = 0;
    std::size_t bytes = 0;
    for (; bytes < line.size(); ++bytes) {
        taken += starts_character(line[bytes]) ? 1 : 0;
        if (taken > room - 3) {
            break;
        }
    }
    // Half a number would be another one.
    while (bytes > 0 && is_digit(line[bytes - 1]) && is_digit(line[bytes])) {
        --bytes;
    }
    text_ += line.substr(0, bytes);
    text_ += "...";
}

} // namespace portguard
