// A value at the top of a configuration file of Kubernetes' components: YAML, or JSON, which they read as
// YAML.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace portguard::tools {

/// Nothing: it is not there, or is not a plain value.
std::optional<std::string> config_field(std::string_view text, std::string_view field);

} // namespace portguard::tools
