#include "tools/map/paint.h"

#include <algorithm>

namespace portguard::tools {
namespace {

bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char letter) { return (letter & 0x80) == 0; });
}

/// SGR, from no attributes on.
std::string escape_of(const Paint& paint) {
    std::string text = "\033[0";
    text += paint.bold ? ";1" : "";
    text += paint.foreground < 0 ? "" : ";38;5;" + std::to_string(paint.foreground);
    text += paint.background < 0 ? "" : ";48;5;" + std::to_string(paint.background);
    return text + "m";
}

} // namespace

PaintedLine& PaintedLine::add(std::string_view text, Paint paint) {
    if (is_ascii(text)) {
        text = text.substr(0, room());
    } else if (room() == 0) {
        text = {};
    }
    if (text.empty()) {
        return *this;
    }
    if (coloured_ && paint != paint_) {
        text_ += escape_of(paint);
        paint_ = paint;
    }
    text_ += text;
    used_ += is_ascii(text) ? text.size() : 1;
    return *this;
}

PaintedLine& PaintedLine::fill_to(std::size_t column) {
    return column > used_ ? add(std::string(column - used_, ' ')) : *this;
}

std::string PaintedLine::text() const {
    return paint_ == Paint{} ? text_ : text_ + "\033[0m";
}

} // namespace portguard::tools
