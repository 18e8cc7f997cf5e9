#include "tools/common/shell_words.h"

namespace portguard::tools {
namespace {

constexpr std::string_view blanks = " \t";

/// What has a meaning of its own, outside quotes and inside double ones.
struct Specials {
    std::string_view outside;
    std::string_view inside;
};

class Splitter {
public:
    explicit Splitter(Specials specials) : specials_(specials) {}

    /// False: `character` is not to be taken as it stands.
    bool take(char character) {
        if (quote_ == 0 && blanks.find(character) != std::string_view::npos) {
            end_word();
            return true;
        }
        if (character == quote_) {
            quote_ = 0;
            return true;
        }
        if (quote_ == 0 && (character == '\'' || character == '"')) {
            quote_ = character;
            in_word_ = true;
            return true;
        }
        word_.push_back(character);
        in_word_ = true;
        const std::string_view special = quote_ == 0 ? specials_.outside : specials_.inside;
        return quote_ == '\'' || special.find(character) == std::string_view::npos;
    }

    std::optional<std::vector<std::string>> finish() {
        end_word();
        return quote_ == 0 ? std::optional(std::move(words_)) : std::nullopt;
    }

private:
    void end_word() {
        if (in_word_) {
            words_.push_back(word_);
        }
        word_.clear();
        in_word_ = false;
    }

    Specials specials_;
    std::vector<std::string> words_;
    std::string word_;
    char quote_ = 0;
    bool in_word_ = false;
};

std::optional<std::vector<std::string>> split(std::string_view text, Specials specials) {
    Splitter splitter(specials);
    for (const char character : text) {
        if (!splitter.take(character)) {
            return std::nullopt;
        }
    }
    return splitter.finish();
}

} // namespace

std::optional<std::vector<std::string>> words_of_simple_command(std::string_view text) {
    return split(text, {"\\$`;&|<>(){}*?[]#~!\n", "\\$`!"});
}

std::optional<std::vector<std::string>> words_of_split_string(std::string_view text) {
    return split(text, {"\\$#", "\\$"});
}

} // namespace portguard::tools
