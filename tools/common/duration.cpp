#include "tools/common/duration.h"

#include <array>

#include "core/number.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

using std::chrono::milliseconds;

struct Unit {
    std::string_view name;
    milliseconds length;
};

constexpr std::array units{
    Unit{"", std::chrono::seconds(1)},  Unit{"ms", milliseconds(1)},      Unit{"s", std::chrono::seconds(1)},
    Unit{"m", std::chrono::minutes(1)}, Unit{"h", std::chrono::hours(1)}, Unit{"d", std::chrono::hours(24)},
};
constexpr milliseconds longest = std::chrono::hours(24) * 365;

} // namespace

std::optional<milliseconds> parse_duration(std::string_view text) {
    const std::optional<std::int64_t> count = take_number<std::int64_t>(text);
    if (count.value_or(0) == 0) {
        return std::nullopt;
    }
    for (const Unit& unit : units) {
        if (unit.name == text && *count <= longest / unit.length) {
            return unit.length * *count;
        }
    }
    return std::nullopt;
}

std::optional<milliseconds> duration_of(const Arguments& arguments, std::string_view name) {
    const std::string* const value = arguments.value(name);
    if (value == nullptr) {
        return std::nullopt;
    }
    const auto duration = parse_duration(*value);
    if (!duration.has_value()) {
        throw Refusal(ExitCode::usage,
                      std::string(name) + "=" + shown(*value) +
                          ": this is not a time from 1ms to 365d; expected one such as 30s or 5m");
    }
    return duration;
}

} // namespace portguard::tools
