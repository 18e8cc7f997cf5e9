#include "tools/common/output.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <unistd.h>

#include "core/text.h"
#include "tools/common/refusal.h"

namespace portguard::tools {

std::string shown(std::string_view text) {
    std::string memory(text.size(), '\0');
    TextWriter writer(memory.data(), memory.size());
    return std::string(writer.add_untrusted(text).view());
}

std::string shell_quoted(std::string_view word) {
    std::string text = "'";
    for (const char character : word) {
        text.append(character == '\'' ? "'\\'" : "").push_back(character);
    }
    return text + "'";
}

std::string shell_word(const std::string& word) {
    constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./+:=@%,";
    const bool is_plain = !word.empty() && word.find_first_not_of(plain) == std::string::npos;
    return is_plain ? word : shell_quoted(word);
}

std::string wrapped(std::string_view words, std::string_view margin, std::size_t width) {
    std::string text(margin);
    std::size_t used = margin.size();
    while (!words.empty()) {
        const std::string_view word = next_field(words, ' ');
        if (word.empty()) {
            continue;
        }
        if (used != margin.size() && used + 1 + word.size() > width) {
            text.append("\n").append(margin);
            used = margin.size();
        } else if (used != margin.size()) {
            text.append(" ");
            ++used;
        }
        text.append(word);
        used += word.size();
    }
    return text + "\n";
}

std::string listed(const std::vector<std::string_view>& words, std::string_view last) {
    std::string text;
    for (std::size_t index = 0; index < words.size(); ++index) {
        const bool is_last = index + 1 == words.size();
        text.append(index == 0 ? "" : is_last ? last : ", ").append(words[index]);
    }
    return text;
}

bool wants_colour(int fd) {
    const char* const terminal = std::getenv("TERM");
    return ::isatty(fd) == 1 && std::getenv("NO_COLOR") == nullptr &&
           (terminal == nullptr || std::string_view(terminal) != "dumb");
}

void print(std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = ::write(STDOUT_FILENO, text.data(), text.size());
        if (count < 0 && errno != EINTR) {
            throw Refusal(ExitCode::failure,
                          std::string("standard output cannot be written: ") + std::strerror(errno));
        }
        text.remove_prefix(count > 0 ? static_cast<std::size_t>(count) : 0);
    }
}

} // namespace portguard::tools
