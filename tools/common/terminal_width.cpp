#include "tools/common/terminal_width.h"

#include <algorithm>
#include <vector>

#include <sys/ioctl.h>
#include <unistd.h>

#include "core/text.h"
#include "explain/text_block.h"
#include "tools/common/output.h"

namespace portguard::tools {
namespace {

constexpr std::string_view ellipsis = "…";

bool starts_character(char byte) {
    return (static_cast<unsigned char>(byte) & 0xc0U) != 0x80U;
}

/// Up to `count` characters of UTF-8.
std::string_view first_of(std::string_view text, std::size_t count) {
    std::size_t end = 0;
    for (; end < text.size(); ++end) {
        if (starts_character(text[end]) && count-- == 0) {
            break;
        }
    }
    return text.substr(0, end);
}

std::string_view last_of(std::string_view text, std::size_t count) {
    std::size_t start = text.size();
    for (std::size_t index = text.size(); index-- > 0 && count != 0;) {
        if (starts_character(text[index])) {
            start = index;
            --count;
        }
    }
    return text.substr(start);
}

bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

/// The first `head` and the last `tail` characters of `text`, less the rest of a number that is cut: half of
/// it would be another one.
std::string without_middle(std::string_view text, std::size_t head, std::size_t tail) {
    std::size_t end = first_of(text, head).size();
    while (end > 0 && is_digit(text[end - 1]) && is_digit(text[end])) {
        --end;
    }
    std::size_t start = text.size() - last_of(text, tail).size();
    while (start < text.size() && start > 0 && is_digit(text[start - 1]) && is_digit(text[start])) {
        ++start;
    }
    return std::string(text.substr(0, end)) + std::string(ellipsis) + std::string(text.substr(start));
}

bool fits(std::string_view line, std::size_t width) {
    return width == unlimited_width || width_of(line) <= width;
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) {
        text += (text.empty() ? "" : " ") + word;
    }
    return text;
}

/// `head`, and as much of the end of `rest` as fits behind an ellipsis.
std::string with_end_of(std::string_view head, std::string_view rest, std::size_t width) {
    const std::size_t used = width_of(head) + 1;
    if (used + 1 >= width) {
        return fitted(head, width);
    }
    return std::string(head) + without_middle(rest, 0, width - used);
}

} // namespace

std::size_t width_of_terminal(int fd) {
    if (::isatty(fd) != 1) {
        return unlimited_width;
    }
    winsize size{};
    constexpr std::size_t usual = 80;
    return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col != 0 ? size.ws_col : usual;
}

std::string fitted(std::string_view line, std::size_t width) {
    if (fits(line, width)) {
        return std::string(line);
    }
    const std::size_t tail = (std::max<std::size_t>(width, 1) - 1) / 2;
    return width == 0 ? std::string() : without_middle(line, width - 1 - tail, tail);
}

std::string fitted_start(std::string_view line, std::size_t width) {
    if (fits(line, width)) {
        return std::string(line);
    }
    return width == 0 ? std::string() : without_middle(line, width - 1, 0);
}

std::string fitted_command(std::span<const std::string> argv, std::size_t width) {
    std::vector<std::string> words;
    std::size_t script = 0;
    for (const std::string& word : argv) {
        // A process that has set a title has it all in one argument.
        const bool is_program = words.empty() && word.find(' ') == std::string::npos;
        words.push_back(shown(is_program ? std::string(base_name(word)) : word));
        if (script == 0 && words.size() > 1 && !word.starts_with('-')) {
            script = words.size() - 1;
        }
    }
    std::string text = joined(words);
    if (fits(text, width)) {
        return text;
    }
    for (std::size_t index = 1; index < words.size() && width_of(text) > width; ++index) {
        if (words[index].find('/') != std::string::npos) {
            words[index] = std::string(ellipsis) + "/" + std::string(base_name(words[index]));
            text = joined(words);
        }
    }
    if (width_of(text) <= width || script == 0) {
        return fitted(text, width);
    }
    const auto end = words.begin() + static_cast<std::ptrdiff_t>(script) + 1;
    const std::string head = joined({words.begin(), end});
    const std::string rest = joined({end, words.end()});
    return with_end_of(rest.empty() ? head : head + " ", rest, width);
}

} // namespace portguard::tools
