// The configuration as tables: for a person, for a machine, and as markdown.
#pragma once

#include <string>
#include <string_view>

#include "core/config.h"

namespace portguard::tools {

/// Every option, its value and where it came from, a line each.
std::string describe_config(const Draft& draft);

/// The value of one option as a file would have it; empty: it has none.
std::string printed_value(const Config& config, std::string_view name);

/// All on one line, as share/portguard/config.schema.json describes it.
std::string config_json(const Draft& draft);

/// The option table in Markdown.
std::string option_table_in_markdown();

} // namespace portguard::tools
