// Labelled lines for a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace portguard {

/// "  cause    the sentence, broken between words,
///            and aligned"
class TextBlock {
public:
    static constexpr std::size_t columns = 80;
    static constexpr std::size_t indent = 11;
    static constexpr std::size_t most_lines = 24;
    /// In fewer columns a label has a line of its own, and what it is about is below it.
    static constexpr std::size_t narrow = 40;
    static constexpr std::size_t narrow_indent = 2;

    struct Room {
        std::size_t columns = TextBlock::columns;
        std::size_t lines = most_lines;
    };

    /// On a terminal with so many columns, or in a pipe. Where lines are broken earlier than at 80 columns,
    /// and if `is_whole`, none is left out.
    static Room room_of(std::size_t terminal_columns, bool is_whole = false);

    TextBlock(std::string first_line, bool coloured) : TextBlock(std::move(first_line), coloured, Room{}) {}
    TextBlock(std::string first_line, bool coloured, Room room)
        : text_(std::move(first_line)), room_(room), coloured_(coloured) {}

    /// A label is shown with the first of the paragraphs that have it.
    void add(std::string_view label, std::string_view paragraph);
    /// What a shell shall read: a line that is broken ends with a backslash.
    void add_command(std::string_view label, std::string_view command);
    /// As add(), on one line: what does not fit is cut.
    void add_cut(std::string_view label, std::string_view line);
    /// As it stands, however wide that is.
    void add_whole(std::string_view label, std::string_view line);
    /// Columns in front of what a label is about.
    [[nodiscard]] std::size_t margin() const { return room_.columns < narrow ? narrow_indent : indent; }
    [[nodiscard]] std::size_t lines_left() const { return room_.lines - lines_; }
    [[nodiscard]] const std::string& text() const { return text_; }

private:
    void wrap(std::string_view label, std::string_view paragraph, std::string_view ending);
    void begin_line(std::string_view label);

    std::string text_;
    std::string last_label_;
    Room room_;
    std::size_t lines_ = 1;
    bool coloured_;
};

/// For a terminal.
std::string in_bold(std::string_view text);

/// How many columns UTF-8 text takes, for text in which each character takes one.
std::size_t width_of(std::string_view text);

} // namespace portguard
