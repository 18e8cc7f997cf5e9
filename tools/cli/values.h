// What may be given: values, read from Parameter::values, and options beside each other.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/cli/command.h"

namespace portguard::tools {

/// The words of `values` that are typed as they stand: "bind", "file:" of "file:PATH".
std::vector<std::string> literals_of(std::string_view values);

/// All that may stand there, where that is a list of words; empty: other values do as well.
std::vector<std::string> closed_values(const Parameter& parameter);

/// The one of `known` that was most likely meant by `word`; empty: none is near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

/// "; did you mean observe?", or nothing.
std::string suggestion(std::string_view word, std::span<const std::string_view> known);
std::string suggestion(std::string_view word, const std::vector<std::string>& known);

/// Throws Refusal for a value that is none of a closed list, and for an option that means nothing beside
/// another (Command::combinations).
void check_given(const Command& command, const Arguments& arguments);

/// The last part of a refusal: "`portguard who --help` lists what there is".
std::string help_hint(const Command& command);

/// "deny-errno" as "deny_errno".
std::string with_underscores(std::string_view word);

} // namespace portguard::tools
