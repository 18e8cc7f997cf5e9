#include "tools/support/schema.h"

#include <algorithm>
#include <fstream>

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

class Validator {
public:
    /// `whole` has the "$defs".
    explicit Validator(const Json& whole) : whole_(whole) {}

    [[nodiscard]] std::string violation(const Json& rule, const Json& value, const std::string& place) const {
        if (rule.contains("$ref")) {
            const std::string pointer = rule["$ref"].get<std::string>().substr(1);
            return violation(whole_.at(Json::json_pointer(pointer)), value, place);
        }
        if (rule.contains("anyOf")) {
            return violation_of_all(rule["anyOf"], value, place);
        }
        const bool is_right =
            (!rule.contains("type") || has_one_of(value, rule["type"])) &&
            (!rule.contains("const") || rule["const"] == value) &&
            (!rule.contains("enum") || std::count(rule["enum"].begin(), rule["enum"].end(), value));
        if (!is_right) {
            return place + " is " + value.dump();
        }
        return value.is_object()                            ? violation_in_members(rule, value, place)
               : value.is_array() && rule.contains("items") ? violation_in_items(rule["items"], value, place)
                                                            : "";
    }

private:
    [[nodiscard]] std::string violation_of_all(const Json& rules, const Json& value,
                                               const std::string& place) const {
        std::string found;
        for (const Json& rule : rules) {
            found = violation(rule, value, place);
            if (found.empty()) {
                break;
            }
        }
        return found;
    }

    [[nodiscard]] std::string violation_in_members(const Json& rule, const Json& value,
                                                   const std::string& place) const {
        for (const Json& name : rule.value("required", Json::array())) {
            if (!value.contains(name.get<std::string>())) {
                return place + " has no " + name.get<std::string>();
            }
        }
        const Json known = rule.value("properties", Json::object());
        const Json others = rule.value("additionalProperties", Json(true));
        for (const auto& [name, member] : value.items()) {
            if (!known.contains(name) && others == Json(false)) {
                return place + "." + name + " is not in the schema";
            }
            const Json& inner = known.contains(name) ? known[name] : others;
            std::string found = inner.is_object() ? violation(inner, member, place + "." + name) : "";
            if (!found.empty()) {
                return found;
            }
        }
        return "";
    }

    [[nodiscard]] std::string violation_in_items(const Json& rule, const Json& values,
                                                 const std::string& place) const {
        for (std::size_t index = 0; index < values.size(); ++index) {
            std::string found = violation(rule, values[index], place + "[" + std::to_string(index) + "]");
            if (!found.empty()) {
                return found;
            }
        }
        return "";
    }

    const Json& whole_;
};

} // namespace

std::string violation(const Json& schema, const Json& value, const std::string& place) {
    return Validator(schema).violation(schema, value, place);
}

Json schema_of(const std::string& command) {
    std::ifstream file(std::string(PORTGUARD_SCHEMAS "/") + command + ".schema.json");
    return Json::parse(file);
}

nlohmann::json json_answer(Words words, int exit_status) {
    const nlohmann::json schema = schema_of(words.at(0));
    words.emplace_back("--json");
    const Finished finished = portguard(words);
    EXPECT_TRUE(finished.exited_with(exit_status)) << finished;
    nlohmann::json answer = nlohmann::json::parse(finished.out);
    EXPECT_EQ(violation(schema, answer), "") << finished;
    return answer;
}

} // namespace portguard::test
