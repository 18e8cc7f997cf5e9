#include "tools/common/config_report.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/options.h"
#include "tools/cli/command.h"
#include "tools/common/json_output.h"
#include "tools/common/json_text.h"

namespace portguard::tools {
namespace {

/// Every second port of all: longer than any set of ports prints.
constexpr std::size_t longest_value = std::size_t{256} * 1024;
/// A longer value does not push the other lines' third column to the right.
constexpr std::size_t widest_column = 40;

std::string value_of(const Option& option, const Config& config) {
    std::string memory(longest_value, '\0');
    TextWriter writer(memory.data(), memory.size());
    option.print(config, writer);
    return std::string(writer.view());
}

std::string place_of(const Place& place) {
    std::string memory(place.file.size() + 64, '\0');
    TextWriter writer(memory.data(), memory.size());
    print_place(place, writer);
    return std::string(writer.view());
}

void pad(std::string& text, std::size_t used, std::size_t width) {
    text.append(used < width ? width - used : 0, ' ').append("  ");
}

/// A bar would end the cell, even inside code (GitHub Flavored Markdown, tables).
std::string as_code(std::string_view words) {
    std::string text = "`";
    for (const char character : words) {
        text.append(character == '|' ? "\\" : "").push_back(character);
    }
    return text + "`";
}

} // namespace

std::string printed_value(const Config& config, std::string_view name) {
    const auto options = option_table();
    const auto found = std::find_if(options.begin(), options.end(),
                                    [name](const Option& option) { return option.name == name; });
    return found == options.end() ? std::string() : value_of(*found, config);
}

std::string describe_config(const Draft& draft) {
    const auto options = option_table();
    std::size_t name_width = 0;
    std::size_t value_width = 0;
    std::vector<std::string> values;
    for (const Option& option : options) {
        const std::string value = value_of(option, draft.config);
        values.push_back(value.empty() ? "(" + std::string(option.fallback) + ")" : value);
        name_width = std::max(name_width, option.name.size());
        value_width = std::max(value_width, std::min(values.back().size(), widest_column));
    }
    std::string text;
    for (std::size_t index = 0; index < options.size(); ++index) {
        text.append(options[index].name);
        pad(text, options[index].name.size(), name_width);
        text.append(values[index]);
        pad(text, values[index].size(), value_width);
        text.append(place_of(draft.places[index])).append("\n");
    }
    return text;
}

std::string config_json(const Draft& draft) {
    Json entries = Json::object();
    const auto options = option_table();
    for (std::size_t index = 0; index < options.size(); ++index) {
        const std::string value = value_of(options[index], draft.config);
        const Place& place = draft.places[index];
        const bool is_file = place.origin == Origin::file;
        entries[std::string(options[index].name)] = {
            {"value", value.empty() ? Json(nullptr) : Json(value)},
            {"from", place_of(place)},
            {"file", is_file ? Json(std::string(place.file)) : Json(nullptr)},
            {"line", is_file ? Json(place.line) : Json(nullptr)}};
    }
    return text_of(
        Json{{"schema", json_schema_version}, {"command", "config"}, {"options", std::move(entries)}});
}

std::string option_table_in_markdown() {
    std::string text = "| option | values | default | what it does |\n|---|---|---|---|\n";
    for (const Option& option : option_table()) {
        text.append("| `").append(spelled(option.name)).append("` | ").append(as_code(option.values));
        text.append(" | ").append(option.fallback).append(" | ").append(option.help).append(" |\n");
    }
    return text;
}

} // namespace portguard::tools
