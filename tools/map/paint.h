// Coloured text for a terminal, and how wide it is.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace portguard::tools {

/// Numbers of the 256 colours (xterm's); -1: the terminal's own.
struct Paint {
    int foreground = -1;
    int background = -1;
    bool bold = false;
    friend bool operator==(const Paint&, const Paint&) = default;
};

/// One line. Where it is not coloured, paint is left out.
class PaintedLine {
public:
    PaintedLine(bool coloured, std::size_t columns) : coloured_(coloured), columns_(columns) {}

    /// ASCII.
    PaintedLine& add(std::string_view text, Paint paint = {});
    /// Blanks up to `column`, counted from 0.
    PaintedLine& fill_to(std::size_t column);
    [[nodiscard]] std::size_t room() const { return columns_ - std::min(columns_, used_); }
    /// Without an end of line. What does not fit is left out, never within a number, and "..." says so.
    [[nodiscard]] std::string text() const;

private:
    struct Piece {
        std::string text;
        Paint paint;
    };

    bool coloured_;
    std::size_t columns_;
    std::size_t used_ = 0;
    std::vector<Piece> pieces_;
};

} // namespace portguard::tools
