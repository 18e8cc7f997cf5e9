// Members of a JSON object, read strictly: each has the type that the schema gives it, or the reader is told
// which one has not.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace portguard::tools {

/// what() is a clause such as "`process.pid` is a text and should be a number".
class BadField : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

class JsonFields {
public:
    /// `path` leads every name in a complaint: "process.", "holders[2].". Throws BadField for what is no
    /// object.
    JsonFields(const nlohmann::json& json, std::string path);

    /// For what older versions did not write.
    [[nodiscard]] bool has(const char* name) const { return json_->contains(name); }
    [[nodiscard]] std::string text(const char* name) const;
    [[nodiscard]] std::optional<std::string> text_or_null(const char* name) const;
    [[nodiscard]] std::optional<bool> switch_or_null(const char* name) const;
    [[nodiscard]] std::optional<double> number_or_null(const char* name) const;
    [[nodiscard]] std::vector<std::string> texts(const char* name) const;
    [[nodiscard]] std::optional<std::vector<std::string>> texts_or_null(const char* name) const;
    [[nodiscard]] JsonFields object(const char* name) const;
    [[nodiscard]] std::optional<JsonFields> object_or_null(const char* name) const;
    /// For what earlier versions did not write: nothing, too, where it is missing.
    [[nodiscard]] std::optional<JsonFields> object_if_any(const char* name) const;
    [[nodiscard]] std::vector<JsonFields> objects(const char* name) const;

    template <typename Integer>
    [[nodiscard]] Integer integer(const char* name) const {
        constexpr std::uint64_t most = std::numeric_limits<Integer>::max();
        return static_cast<Integer>(integer_up_to(name, most));
    }
    template <typename Integer>
    [[nodiscard]] std::optional<Integer> integer_or_null(const char* name) const {
        return member(name).is_null() ? std::nullopt : std::optional(integer<Integer>(name));
    }

    /// -1: none.
    [[nodiscard]] int descriptor(const char* name) const;

    /// For a value of the right type that means nothing: "`call` is 'brind', which is none of the schema's".
    [[noreturn]] void refuse_word(const char* name, const std::string& word) const;

private:
    [[nodiscard]] const nlohmann::json& member(const char* name) const;
    [[nodiscard]] std::uint64_t integer_up_to(const char* name, std::uint64_t most) const;
    [[noreturn]] void refuse(const char* name, const nlohmann::json& value, const char* wanted) const;

    const nlohmann::json* json_;
    std::string path_;
};

} // namespace portguard::tools
