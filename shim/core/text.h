// Bounded text, for sentences and log lines that are built where neither the heap nor stdio may be used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/by_registers.h"

namespace portguard {

/// Appends to memory it does not own; what does not fit is dropped and remembered in truncated().
/// Async-signal-safe.
class TextWriter {
public:
    // Like the most frequent of what follows it is not inline, and a literal's length is not passed: there
    // are hundreds of calls, each of them code of the preloaded object.
    PORTGUARD_BY_REGISTERS TextWriter(char* memory, std::size_t capacity);
    TextWriter(const TextWriter&) = delete;
    TextWriter& operator=(const TextWriter&) = delete;

    PORTGUARD_BY_REGISTERS TextWriter& add(std::string_view text);
    PORTGUARD_BY_REGISTERS TextWriter& add(const char* text);
    PORTGUARD_BY_REGISTERS TextWriter& add(char character);
    PORTGUARD_BY_REGISTERS TextWriter& add_number(std::uint64_t value);
    TextWriter& add_hex(std::uint64_t value);
    /// Text that somebody else controls (a process name, a path): every byte that a terminal or a line
    /// reader could act on (controls, DEL, bytes outside ASCII) is shown as '?'.
    PORTGUARD_BY_REGISTERS TextWriter& add_untrusted(std::string_view text);
    /// As add_untrusted, but of long text only the beginning and "...": a plan of 1,000 ranges must not push
    /// the rest of its sentence out.
    PORTGUARD_BY_REGISTERS TextWriter& add_excerpt(std::string_view text);

    void clear();
    [[nodiscard]] std::string_view view() const { return {memory_, used_}; }
    [[nodiscard]] bool empty() const { return used_ == 0; }
    [[nodiscard]] bool truncated() const { return truncated_; }

private:
    char* memory_;
    std::size_t capacity_;
    std::size_t used_ = 0;
    bool truncated_ = false;
};

template <std::size_t capacity>
class Text : public TextWriter {
public:
    Text() : TextWriter(storage_, capacity) {}

private:
    // Not zeroed: a writer's memory is defined up to its length only, and clearing 1 KiB would be most of the
    // cost.
    char storage_[capacity];
};

/// What add_excerpt shows at most.
inline constexpr std::size_t excerpt_length = 120;

/// One sentence for a person, such as the reason why a configuration is refused.
using Sentence = Text<1024>;

/// std::string_view::starts_with is made of substr, whose out-of-range check calls into libstdc++ in a build
/// without optimisation.
bool starts_with(std::string_view text, std::string_view prefix);

/// `text` without the blanks (space, tab, CR) at either end.
std::string_view trimmed(std::string_view text);

/// Cuts `text` at the first `separator`: returns what stands before it and leaves the rest in `text`; without
/// a separator all of it is returned and `text` is empty.
std::string_view next_field(std::string_view& text, char separator);

/// The name of a file without its folders.
std::string_view base_name(std::string_view path);

} // namespace portguard
