#include "tools/map/paint.h"

#include <algorithm>

namespace portguard::tools {
namespace {

constexpr std::string_view ellipsis = "...";

/// Of a number, or of a range of ports.
bool is_of_number(char character) {
    return (character >= '0' && character <= '9') || character == '-';
}

/// SGR, from no attributes on.
std::string escape_of(const Paint& paint) {
    std::string text = "\033[0";
    text += paint.bold ? ";1" : "";
    text += paint.foreground < 0 ? "" : ";38;5;" + std::to_string(paint.foreground);
    text += paint.background < 0 ? "" : ";48;5;" + std::to_string(paint.background);
    return text + "m";
}

/// How much of `plain` stands before the ellipsis: whole words, or else no part of a number.
std::size_t cut_of(std::string_view plain, std::size_t columns) {
    const std::size_t most = columns - std::min(columns, ellipsis.size());
    const std::size_t blank = plain.substr(0, most + 1).rfind(' ');
    if (blank != std::string_view::npos && blank * 2 > most) {
        return blank + (blank < most ? 1 : 0);
    }
    std::size_t cut = most;
    while (cut > 0 && is_of_number(plain[cut - 1]) && is_of_number(plain[cut])) {
        --cut;
    }
    return cut;
}

} // namespace

PaintedLine& PaintedLine::add(std::string_view text, Paint paint) {
    if (!text.empty()) {
        pieces_.push_back({std::string(text), paint});
        used_ += text.size();
    }
    return *this;
}

PaintedLine& PaintedLine::fill_to(std::size_t column) {
    return column > used_ ? add(std::string(column - used_, ' ')) : *this;
}

std::string PaintedLine::text() const {
    std::string plain;
    for (const Piece& piece : pieces_) {
        plain += piece.text;
    }
    const bool is_cut = used_ > columns_;
    std::size_t left = is_cut ? cut_of(plain, columns_) : used_;
    std::string text;
    Paint present;
    const auto put = [&](std::string_view part, const Paint& paint) {
        if (coloured_ && paint != present) {
            text += escape_of(paint);
            present = paint;
        }
        text += part;
    };
    for (const Piece& piece : pieces_) {
        const std::string_view part = std::string_view(piece.text).substr(0, left);
        left -= part.size();
        if (!part.empty()) {
            put(part, piece.paint);
        }
    }
    if (is_cut) {
        put(ellipsis.substr(0, columns_), {});
    }
    return present == Paint{} ? text : text + "\033[0m";
}

} // namespace portguard::tools
