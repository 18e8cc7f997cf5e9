// As much of JSON Schema as ours use.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace portguard::test {

/// What is wrong with `value`, with its place; empty: nothing.
std::string violation(const nlohmann::json& schema, const nlohmann::json& value,
                      const std::string& place = "$");

/// The schema of `portguard COMMAND --json`.
nlohmann::json schema_of(const std::string& command);

} // namespace portguard::test
