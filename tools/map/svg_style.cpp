#include "tools/map/svg_style.h"

#include <array>
#include <string_view>
#include <utility>

namespace portguard::tools {
namespace {

using Colour = std::pair<std::string_view, std::string_view>;
using Palette = std::array<Colour, 13>;

constexpr Palette light{{{"@paper", "#fff"},
                         {"@ink", "#1b2430"},
                         {"@faint", "#5c6977"},
                         {"@neither", "#e9edf1"},
                         {"@listener", "#067a4b"},
                         {"@listen", "#b9d8f5"},
                         {"@ephemeral", "#f6e7bd"},
                         {"@hatch", "#8d7a45"},
                         {"@bound", "#0b7f9c"},
                         {"@udp", "#7a3fd0"},
                         {"@outgoing", "#cf6a00"},
                         {"@time_wait", "#5d86b3"},
                         {"@bad", "#d3142a"}}};
constexpr Palette dark{{{"@paper", "#10151b"},
                        {"@ink", "#e4eaf0"},
                        {"@faint", "#8e9bab"},
                        {"@neither", "#1d252e"},
                        {"@listener", "#35d08f"},
                        {"@listen", "#1c4a74"},
                        {"@ephemeral", "#453b1d"},
                        {"@hatch", "#a8935a"},
                        {"@bound", "#2cc9e6"},
                        {"@udp", "#b48cff"},
                        {"@outgoing", "#ffae2b"},
                        {"@time_wait", "#8ab4de"},
                        {"@bad", "#ff4456"}}};

constexpr std::string_view rules = R"css(text{fill:@ink}
.faint{fill:@faint;font-size:10px}
.strong{font-weight:600}
.bad{fill:@bad}
.paper{fill:@paper}
.neither{fill:@neither}
.listen{fill:@listen}
.ephemeral{fill:@ephemeral}
.hatch{stroke:@hatch}
.l{fill:@listener;stroke:@paper}
.u{fill:@udp;stroke:@paper}
.b{fill:@paper;stroke:@bound;stroke-width:2}
.o{fill:@outgoing}
.t{fill:@time_wait}
.l.x,.u.x,.o.x,.t.x{fill:@bad;stroke:@paper}
.b.x{stroke:@bad}
.ring{fill:none;stroke:@bad;stroke-width:1.5}
.lead{fill:none;stroke:@faint;stroke-opacity:.45}
.lead.x{stroke:@bad;stroke-opacity:.8}
)css";

constexpr std::string_view start = R"css(<style>
svg{font:12px system-ui,"DejaVu Sans",sans-serif;font-variant-numeric:tabular-nums}
.reserved{fill:url(#hatch)}
)css";

constexpr std::string_view end = R"css(</style>
<defs><pattern id="hatch" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<path class="hatch" d="M0 0V4" stroke-width="1.6"/></pattern></defs>
)css";

/// No name of a colour begins another but after it: "@listener" comes before "@listen".
std::string rules_in(const Palette& palette) {
    std::string text(rules);
    for (const auto& [name, colour] : palette) {
        for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at)) {
            text.replace(at, name.size(), colour);
        }
    }
    return text;
}

} // namespace

std::string svg_style() {
    return std::string(start) + rules_in(light) + "@media (prefers-color-scheme:dark){\n" + rules_in(dark) +
           "}\n" + std::string(end);
}

} // namespace portguard::tools
