#include "tools/check/config_field.h"

#include "core/text.h"
#include "tools/common/json_text.h"

namespace portguard::tools {
namespace {

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const std::size_t first = text.find_first_not_of(blanks);
    return first == std::string_view::npos ? std::string_view{}
                                           : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// "10250", "'0.0.0.0:10256'"; a comment behind it is left out.
std::string plain_value(std::string_view text) {
    text = trimmed(text);
    if (text.starts_with('"') || text.starts_with('\'')) {
        const std::size_t end = text.find(text.front(), 1);
        return std::string(text.substr(1, end == std::string_view::npos ? end : end - 1));
    }
    const std::size_t comment = text.starts_with('#') ? 0 : text.find(" #");
    return std::string(trimmed(text.substr(0, comment)));
}

/// What stands at the first column is at the top.
std::optional<std::string> yaml_field(std::string_view text, std::string_view field) {
    std::optional<std::string> value;
    while (!text.empty()) {
        std::string_view line = next_field(text, '\n');
        const bool is_below = line.starts_with(' ') || line.starts_with('\t');
        if (!is_below && plain_value(next_field(line, ':')) == field) {
            value = plain_value(line);
        }
    }
    return value;
}

std::optional<std::string> json_field(std::string_view text, std::string_view field) {
    const Json document = Json::parse(text, nullptr, false);
    const auto found = document.is_object() ? document.find(std::string(field)) : document.end();
    if (found == document.end() || found->is_structured() || found->is_null()) {
        return std::nullopt;
    }
    return found->is_string() ? found->get<std::string>() : found->dump();
}

} // namespace

std::optional<std::string> config_field(std::string_view text, std::string_view field) {
    const auto value = trimmed(text).starts_with('{') ? json_field(text, field) : yaml_field(text, field);
    return value.has_value() && value->empty() ? std::nullopt : value;
}

} // namespace portguard::tools
