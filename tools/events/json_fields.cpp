#include "tools/events/json_fields.h"

#include "core/text.h"

namespace portguard::tools {
namespace {

using nlohmann::json;

std::string quoted_excerpt(std::string_view word) {
    Text<excerpt_length + 8> text;
    text.add('\'').add_excerpt(word).add('\'');
    return std::string(text.view());
}

std::string type_of(const json& value) {
    return value.is_null() ? "null" : std::string("of type ") + value.type_name();
}

} // namespace

JsonFields::JsonFields(const json& value, std::string path) : json_(&value), path_(std::move(path)) {
    if (!value.is_object()) {
        const std::string name = path_.empty() ? "it" : "`" + path_.substr(0, path_.size() - 1) + "`";
        throw BadField(name + " is " + type_of(value) + " and should be an object");
    }
}

const json& JsonFields::member(const char* name) const {
    const auto found = json_->find(name);
    if (found == json_->end()) {
        throw BadField("`" + path_ + name + "` is missing");
    }
    return *found;
}

void JsonFields::refuse(const char* name, const json& value, const char* wanted) const {
    throw BadField("`" + path_ + name + "` is " + type_of(value) + " and should be " + wanted);
}

void JsonFields::refuse_word(const char* name, const std::string& word) const {
    throw BadField("`" + path_ + name + "` is " + quoted_excerpt(word) + ", which is none of the schema's");
}

std::string JsonFields::text(const char* name) const {
    const json& value = member(name);
    if (!value.is_string()) {
        refuse(name, value, "a string");
    }
    return value.get<std::string>();
}

std::optional<std::string> JsonFields::text_or_null(const char* name) const {
    return member(name).is_null() ? std::nullopt : std::optional(text(name));
}

std::optional<bool> JsonFields::switch_or_null(const char* name) const {
    const json& value = member(name);
    if (!value.is_null() && !value.is_boolean()) {
        refuse(name, value, "a boolean or null");
    }
    return value.is_null() ? std::nullopt : std::optional(value.get<bool>());
}

std::optional<double> JsonFields::number_or_null(const char* name) const {
    const json& value = member(name);
    if (!value.is_null() && !value.is_number()) {
        refuse(name, value, "a number or null");
    }
    return value.is_null() ? std::nullopt : std::optional(value.get<double>());
}

std::uint64_t JsonFields::integer_up_to(const char* name, std::uint64_t most) const {
    const json& value = member(name);
    // What the parser takes for unsigned is every integer that is not negative.
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > most) {
        throw BadField("`" + path_ + name + "` is " +
                       (value.is_number() ? quoted_excerpt(value.dump()) : type_of(value)) +
                       " and should be an integer from 0 to " + std::to_string(most));
    }
    return value.get<std::uint64_t>();
}

int JsonFields::descriptor(const char* name) const {
    const json& value = member(name);
    return value.is_number_integer() && value == -1 ? -1 : integer<int>(name);
}

std::vector<std::string> JsonFields::texts(const char* name) const {
    const json& value = member(name);
    if (!value.is_array()) {
        refuse(name, value, "an array of strings");
    }
    std::vector<std::string> result;
    for (const json& element : value) {
        if (!element.is_string()) {
            refuse(name, value, "an array of strings");
        }
        result.push_back(element.get<std::string>());
    }
    return result;
}

std::optional<std::vector<std::string>> JsonFields::texts_or_null(const char* name) const {
    return member(name).is_null() ? std::nullopt : std::optional(texts(name));
}

JsonFields JsonFields::object(const char* name) const {
    return {member(name), path_ + name + "."};
}

std::optional<JsonFields> JsonFields::object_or_null(const char* name) const {
    return member(name).is_null() ? std::nullopt : std::optional(object(name));
}

std::optional<JsonFields> JsonFields::object_if_any(const char* name) const {
    return json_->contains(name) ? object_or_null(name) : std::nullopt;
}

std::vector<JsonFields> JsonFields::objects(const char* name) const {
    const json& value = member(name);
    if (!value.is_array()) {
        refuse(name, value, "an array of objects");
    }
    std::vector<JsonFields> result;
    for (std::size_t index = 0; index < value.size(); ++index) {
        result.emplace_back(value[index], path_ + name + "[" + std::to_string(index) + "].");
    }
    return result;
}

} // namespace portguard::tools
