#include "tools/common/put_aside.h"

#include <cstdlib>
#include <utility>
#include <vector>

#include <unistd.h>

#include "core/config.h"
#include "core/text.h"
#include "tools/cli/resolve_config.h"

namespace portguard::tools {

void put_aside(std::map<std::string, std::string>& variables, std::string_view option) {
    const std::string variable = variable_name(option);
    const char* const now = std::getenv(variable.c_str());
    variables[std::string(put_aside_prefix) + variable.substr(environment_prefix.size())] =
        now == nullptr ? "" : now;
}

void take_back() {
    std::vector<std::pair<std::string, std::string>> saved;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        std::string_view value = *entry;
        const std::string_view name = next_field(value, '=');
        if (name.starts_with(put_aside_prefix)) {
            saved.emplace_back(name, value);
        }
    }
    for (const auto& [name, value] : saved) {
        const std::string variable = std::string(environment_prefix) + name.substr(put_aside_prefix.size());
        if (value.empty()) {
            ::unsetenv(variable.c_str());
        } else {
            ::setenv(variable.c_str(), value.c_str(), 1);
        }
        ::unsetenv(name.c_str());
    }
}

} // namespace portguard::tools
