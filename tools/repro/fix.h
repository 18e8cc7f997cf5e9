// Cures of a failed bind, as changes of the condition that it was made in.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/repro/scene.h"

namespace portguard::tools {

enum class Fix : std::uint8_t {
    /// As it was.
    none,
    /// All who took part had run under the guard: listeners and connections have SO_REUSEADDR.
    reuseaddr,
    /// The range of outgoing connections leaves the port out.
    split,
    /// What ends by itself has ended.
    wait,
};

inline constexpr std::string_view fix_values = "all|reuseaddr,split,wait,none";

std::string_view fix_name(Fix fix);

/// `none` and those named by a list. Throws Refusal.
std::vector<Fix> parse_fixes(const std::string& words);

/// `scene` as it would have been with `fix`.
Scene fixed(Scene scene, Fix fix);

} // namespace portguard::tools
