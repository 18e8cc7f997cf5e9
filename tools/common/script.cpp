#include "tools/common/script.h"

namespace portguard::tools {
namespace {

constexpr std::string_view blanks = " \t";

std::string_view without_blanks(std::string_view text) {
    const std::size_t first = text.find_first_not_of(blanks);
    return first == std::string_view::npos ? std::string_view()
                                           : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// Cuts the first word off `text`.
std::string_view next_word(std::string_view& text) {
    text = without_blanks(text);
    const std::size_t end = text.find_first_of(blanks);
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(word.size());
    return word;
}

} // namespace

std::optional<Shebang> read_shebang(std::string_view text) {
    constexpr std::string_view mark = "#!";
    constexpr std::size_t kernel_buffer = 256; // BINPRM_BUF_SIZE
    if (!text.starts_with(mark)) {
        return std::nullopt;
    }
    text = text.substr(0, kernel_buffer);
    text = text.substr(0, text.find('\n'));
    text.remove_prefix(mark.size());
    const std::string interpreter(next_word(text));
    if (interpreter.empty()) {
        return std::nullopt;
    }
    return Shebang{interpreter, std::string(without_blanks(text))};
}

} // namespace portguard::tools
