// The one table of options. Parser, environment, configuration file, `--help`, man page and tools/options.md
// come from it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/config.h"

namespace portguard {

/// How an option's value is kept in a Config. As data: a function for each would be 2 KB of the preloaded
/// object, and what is longer here does not fit into the page that each start writes.
struct OptionValue {
    enum class Kind : std::uint8_t { word, number, listen, ephemeral, only, log, record, remember, inject };

    Kind kind;
    std::uint8_t word_count = 0;
    /// Of a word's enumeration, or a number, in Config.
    std::uint16_t offset = 0;
    std::uint16_t low = 0;
    std::uint16_t high = 0;
    /// Those that may stand there, in the order of the enumeration.
    const std::string_view* first_word = nullptr;

    [[nodiscard]] std::span<const std::string_view> words() const { return {first_word, word_count}; }
};

struct Option {
    std::string_view name;
    /// What may stand there, as --help shows it.
    std::string_view values;
    /// The default in words.
    std::string_view fallback;
    std::string_view help;
    OptionValue value;
    /// What the option alone stands for on a command line (`--lease`); empty: it needs a value.
    std::string_view alone{};

    /// Reads `text` into the configuration. False: `why` says what is expected.
    bool assign(Config& config, std::string_view text, TextWriter& why) const;
    /// The value as text that `assign` would read back; nothing where the option is unset.
    void print(const Config& config, TextWriter& out) const;
};

std::span<const Option> option_table();

/// The option's index in the table, or option_table().size(). Dashes and underscores are the same.
std::size_t find_option(std::string_view name);

/// The errno value that DenyErrno stands for, for TCP.
int errno_value(DenyErrno choice);

} // namespace portguard
