// Coloured text for a terminal, and how wide it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

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

    /// ASCII, or one character of one column; what does not fit is left out.
    PaintedLine& add(std::string_view text, Paint paint = {});
    /// Blanks up to `column`, counted from 0.
    PaintedLine& fill_to(std::size_t column);
    [[nodiscard]] std::size_t room() const { return columns_ - used_; }
    /// Without an end of line.
    [[nodiscard]] std::string text() const;

private:
    bool coloured_;
    std::size_t columns_;
    std::size_t used_ = 0;
    Paint paint_;
    std::string text_;
};

} // namespace portguard::tools
