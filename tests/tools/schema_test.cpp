#include "tools/schema.h"

#include <fstream>

#include <gtest/gtest.h>

namespace portguard::test {
namespace {

using Json = nlohmann::json;

bool has_type(const Json& value, const std::string& type) {
    return (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
           (type == "string" && value.is_string()) || (type == "boolean" && value.is_boolean()) ||
           (type == "integer" && value.is_number_integer()) || (type == "number" && value.is_number()) ||
           (type == "null" && value.is_null());
}

bool has_one_of(const Json& value, const Json& types) {
    if (types.is_string()) {
        return has_type(value, types.get<std::string>());
    }
    return std::any_of(types.begin(), types.end(),
                       [&](const Json& type) { return has_type(value, type.get<std::string>()); });
}

std::string violation_in_members(const Json& schema, const Json& value, const std::string& place) {
    for (const Json& name : schema.value("required", Json::array())) {
        if (!value.contains(name.get<std::string>())) {
            return place + " has no " + name.get<std::string>();
        }
    }
    const Json& known = schema.value("properties", Json::object());
    const Json& others = schema.value("additionalProperties", Json(true));
    for (const auto& [name, member] : value.items()) {
        if (!known.contains(name) && others == Json(false)) {
            return place + "." + name + " is not in the schema";
        }
        const Json& rule = known.contains(name) ? known[name] : others;
        const std::string found = rule.is_object() ? violation(rule, member, place + "." + name) : "";
        if (!found.empty()) {
            return found;
        }
    }
    return "";
}

TEST(Schema, OfTheTestRefusesWhatIsWrong) {
    const Json schema = schema_of("check");
    EXPECT_EQ(violation(schema, Json::object()), "$ has no schema");
    EXPECT_EQ(violation(schema["properties"]["netns"], Json("x"), "netns"), "netns is \"x\"");
    EXPECT_EQ(violation(schema["properties"]["plan"], {{"x", 1}}, "plan"), "plan has no listen");
}

} // namespace

std::string violation(const Json& schema, const Json& value, const std::string& place) {
    const bool is_right =
        (!schema.contains("type") || has_one_of(value, schema["type"])) &&
        (!schema.contains("const") || schema["const"] == value) &&
        (!schema.contains("enum") || std::count(schema["enum"].begin(), schema["enum"].end(), value));
    if (!is_right) {
        return place + " is " + value.dump();
    }
    if (value.is_object()) {
        return violation_in_members(schema, value, place);
    }
    for (std::size_t index = 0; value.is_array() && schema.contains("items") && index < value.size();
         ++index) {
        const std::string found =
            violation(schema["items"], value[index], place + "[" + std::to_string(index) + "]");
        if (!found.empty()) {
            return found;
        }
    }
    return "";
}

Json schema_of(const std::string& command) {
    std::ifstream file(std::string(PORTGUARD_SCHEMAS "/") + command + ".schema.json");
    return Json::parse(file);
}

} // namespace portguard::test
