// The one table of options. Parser, environment, configuration file, `--help`, man page and tools/options.md
// come from it.
#pragma once

#include <span>
#include <string_view>

#include "core/config.h"

namespace portguard {

struct Option {
    std::string_view name;
    /// What may stand there, as --help shows it.
    std::string_view values;
    /// The default in words.
    std::string_view fallback;
    std::string_view help;
    /// Reads `value` into the configuration. False: `why` says what is expected.
    bool (*assign)(Config& config, std::string_view value, TextWriter& why);
    /// The value as text that `assign` would read back; nothing where the option is unset.
    void (*print)(const Config& config, TextWriter& out);
    /// What the option alone stands for on a command line (`--lease`); empty: it needs a value.
    std::string_view alone{};
};

std::span<const Option> option_table();

/// The option's index in the table, or option_table().size(). Dashes and underscores are the same.
std::size_t find_option(std::string_view name);

/// The errno value that DenyErrno stands for, for TCP.
int errno_value(DenyErrno choice);

} // namespace portguard
