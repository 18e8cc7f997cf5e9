// As much of JSON Schema as ours use.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "tools/support/command.h"

namespace portguard::test {

/// What is wrong with `value`, with its place; empty: nothing.
std::string violation(const nlohmann::json& schema, const nlohmann::json& value,
                      const std::string& place = "$");

/// The schema of `portguard COMMAND --json`.
nlohmann::json schema_of(const std::string& command);

/// The answer to `words`, which begin with the name of a command, and --json: as its schema says.
nlohmann::json json_answer(Words words, int exit_status = 0);

} // namespace portguard::test
