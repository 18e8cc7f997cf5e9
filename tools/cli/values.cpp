#include "tools/cli/values.h"

#include <algorithm>
#include <cctype>

#include "core/errno_name.h"
#include "core/text.h"

namespace portguard::tools {
namespace {

bool is_errno_name(std::string_view word) {
    for (int number = 1; number < 134; ++number) {
        if (errno_name(number) == word) {
            return true;
        }
    }
    return false;
}

/// A word to be typed as it stands. Upper case stands for something else, unless it is the name of an errno.
bool is_literal(std::string_view word) {
    const bool is_plain =
        !word.empty() && word.front() >= 'a' && word.front() <= 'z' &&
        std::all_of(word.begin(), word.end(), [](char letter) {
            return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '-';
        });
    return is_plain || is_errno_name(word);
}

std::vector<std::string_view> words_of(std::string_view values) {
    std::vector<std::string_view> words;
    while (!values.empty()) {
        std::string_view alternatives = next_field(values, '|');
        while (!alternatives.empty()) {
            words.push_back(next_field(alternatives, ','));
        }
    }
    return words;
}

char folded(char letter) {
    return letter == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
}

/// Letters to insert, remove or replace, and neighbours to swap (optimal string alignment).
std::size_t distance(std::string_view left, std::string_view right) {
    std::vector<std::size_t> before_last(right.size() + 1);
    std::vector<std::size_t> last(right.size() + 1);
    std::vector<std::size_t> row(right.size() + 1);
    for (std::size_t column = 0; column <= right.size(); ++column) {
        row[column] = column;
    }
    for (std::size_t line = 1; line <= left.size(); ++line) {
        before_last.swap(last);
        last.swap(row);
        row[0] = line;
        for (std::size_t column = 1; column <= right.size(); ++column) {
            const bool same = folded(left[line - 1]) == folded(right[column - 1]);
            row[column] = std::min(
                {last[column] + 1, row[column - 1] + 1, last[column - 1] + (same ? std::size_t{0} : 1)});
            if (line > 1 && column > 1 && folded(left[line - 1]) == folded(right[column - 2]) &&
                folded(left[line - 2]) == folded(right[column - 1])) {
                row[column] = std::min(row[column], before_last[column - 2] + 1);
            }
        }
    }
    return row[right.size()];
}

} // namespace

std::vector<std::string> literals_of(std::string_view values) {
    std::vector<std::string> words;
    // In parentheses stand parts of words, such as units.
    if (values.find('(') != std::string_view::npos) {
        return words;
    }
    for (const std::string_view word : words_of(values)) {
        const std::string_view prefix = word.substr(0, word.find(':'));
        if (is_literal(prefix)) {
            words.emplace_back(word.substr(0, prefix.size() + 1));
        }
    }
    return words;
}

std::vector<std::string> closed_values(const Parameter& parameter) {
    if (parameter.choices != nullptr) {
        const auto choices = parameter.choices();
        return {choices.begin(), choices.end()};
    }
    const std::vector<std::string_view> words = words_of(parameter.values);
    return std::all_of(words.begin(), words.end(), is_literal) ? literals_of(parameter.values)
                                                               : std::vector<std::string>{};
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> known) {
    // A third of its letters: "rnu" is "run", and "xyz" is nothing. A longer word is no slip of the finger.
    constexpr std::size_t longest = 64;
    std::string_view found;
    if (word.size() > longest) {
        return found;
    }
    std::size_t least = std::max<std::size_t>(1, word.size() / 3) + 1;
    for (const std::string_view candidate : known) {
        // "warn" of "warning"; three letters say enough.
        if (word.size() >= 3 && candidate.starts_with(word)) {
            return candidate;
        }
        const std::size_t steps = distance(word, candidate);
        if (steps < least && steps < candidate.size()) {
            least = steps;
            found = candidate;
        }
    }
    return found;
}

std::string suggestion(std::string_view word, std::span<const std::string_view> known) {
    const std::string_view found = nearest(word, known);
    return found.empty() ? "" : "; did you mean " + std::string(found) + "?";
}

std::string suggestion(std::string_view word, const std::vector<std::string>& known) {
    const std::vector<std::string_view> views(known.begin(), known.end());
    return suggestion(word, views);
}

} // namespace portguard::tools
