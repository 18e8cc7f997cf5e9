#include "tools/map/svg.h"

#include <algorithm>
#include <array>
#include <span>

#include "tools/common/port_text.h"
#include "tools/map/svg_style.h"

namespace portguard::tools {
namespace {

// In units of the picture, which is shown one to one unless the viewer says otherwise.
constexpr unsigned side = 4;
constexpr unsigned ports_per_row = 250;
constexpr unsigned rows = (65536 + ports_per_row - 1) / ports_per_row;
constexpr unsigned left = 56;
constexpr unsigned top = 128;
constexpr unsigned label_margin = 26;
constexpr unsigned label_room = 210;
constexpr unsigned line_height = 15;
constexpr unsigned right_edge = left + ports_per_row * side;
constexpr unsigned bottom_edge = top + rows * side;
constexpr unsigned width = right_edge + label_margin + label_room;
constexpr std::size_t most_collision_lines = 12;

std::string number(std::size_t value) {
    return std::to_string(value);
}

struct Point {
    unsigned x = 0;
    unsigned y = 0;
};

/// The middle of a port's square.
Point middle_of(unsigned port) {
    return {left + port % ports_per_row * side + side / 2, top + port / ports_per_row * side + side / 2};
}

std::string text_at(Point at, std::string_view kind, std::string_view anchor, const std::string& escaped) {
    return "<text x=\"" + number(at.x) + "\" y=\"" + number(at.y) + "\" class=\"" + std::string(kind) +
           "\" text-anchor=\"" + std::string(anchor) + "\">" + escaped + "</text>\n";
}

std::string rectangle(Point at, unsigned breadth, unsigned height) {
    return "<rect x=\"" + number(at.x) + "\" y=\"" + number(at.y) + "\" width=\"" + number(breadth) +
           "\" height=\"" + number(height) + "\"/>";
}

/// Ports side by side: what is left of a row, whole rows, the beginning of a row.
std::string area(unsigned low, unsigned high, std::string_view kind, const std::string& title) {
    std::string text = "<g class=\"" + std::string(kind) + "\"><title>" + title + "</title>";
    while (low <= high) {
        const unsigned column = low % ports_per_row;
        const bool whole = column == 0 && high - low + 1 >= ports_per_row;
        const unsigned height = whole ? (high - low + 1) / ports_per_row : 1;
        const unsigned breadth = whole ? ports_per_row : std::min(ports_per_row - column, high - low + 1);
        text += rectangle({left + column * side, top + low / ports_per_row * side}, breadth * side,
                          height * side);
        low += breadth * height;
    }
    return text + "</g>\n";
}

std::string areas(const PortSet& ports, std::string_view kind) {
    std::string text;
    for (PortRange run = ports.next_run(0); !run.empty(); run = ports.next_run(run.high + 1U)) {
        text += area(run.low, run.high, kind, std::string(kind) + " " + text_of(run));
    }
    return text;
}

std::string grounds(const PortMap& map) {
    std::string text = area(0, 65535, "neither", "neither listen nor ephemeral");
    if (!map.plan.ephemeral.empty()) {
        text += area(map.plan.ephemeral.low, map.plan.ephemeral.high, "ephemeral",
                     "ephemeral " + text_of(map.plan.ephemeral));
    }
    text += map.plan.listen_given ? areas(map.plan.listen, "listen") : "";
    return text + areas(map.facts->settings.ports.reserved, "reserved");
}

/// Each use has a shape of its own, for those who see no colours. `title` may be empty.
std::string marker(Use use, Point at, bool collides, const std::string& title) {
    constexpr std::array<char, use_count> kinds{'l', 'b', 'u', 'o', 't'};
    constexpr std::array<std::string_view, use_count> paths{"m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
                                                            "m-3-3h6v6h-6z", "m0-5 5 5-5 5-5-5z",
                                                            "m-2-2h4v4h-4z", "m-2-1h4v2h-4z"};
    const auto index = static_cast<std::size_t>(use);
    const std::string start = "M" + number(at.x) + " " + number(at.y);
    std::string text = std::string("<path class=\"") + kinds[index] + (collides ? " x" : "") + "\" d=\"" +
                       start + std::string(paths[index]) + "\">" + title + "</path>\n";
    if (collides) {
        text += "<path class=\"ring\" pointer-events=\"none\" d=\"" + start +
                "m-7.5 0a7.5 7.5 0 1 0 15 0a7.5 7.5 0 1 0-15 0z\"/>\n";
    }
    return text;
}

/// Listeners above what is beside them, collisions above all.
std::string markers(const PortMap& map) {
    std::string text;
    const auto add = [&](bool collides, std::span<const Use> uses) {
        for (const PortUse& use : map.uses) {
            const bool is_wanted = std::find(uses.begin(), uses.end(), use.use) != uses.end();
            if (is_wanted && (use.collision != Collision::none) == collides) {
                text += marker(use.use, middle_of(use.port), collides, title_of(map, use));
            }
        }
    };
    constexpr std::array passing{Use::time_wait, Use::outgoing};
    constexpr std::array lasting{Use::udp, Use::bound, Use::listener};
    add(false, passing);
    add(false, lasting);
    add(true, passing);
    add(true, lasting);
    return text;
}

std::string axes() {
    std::string text;
    for (unsigned port = 0; port < 65536; port += 1000) {
        text += text_at({left - 8, middle_of(port).y + side}, "faint", "end", number(port));
    }
    for (unsigned port = 0; port < ports_per_row; port += 50) {
        text += text_at({middle_of(port).x, top - 6}, "faint", "middle", "+" + number(port));
    }
    return text;
}

/// Names beside the map, each as near to the height of its port as the others leave room for.
std::string labels(const PortMap& map) {
    std::vector<Label> all = labels_of(map);
    constexpr std::size_t most = (bottom_edge - top) / line_height;
    const std::size_t left_over = all.size() > most ? all.size() - most + 1 : 0;
    all.resize(all.size() - left_over);
    std::vector<unsigned> heights(all.size());
    unsigned limit = bottom_edge - (left_over == 0 ? 0 : line_height);
    for (std::size_t index = 0; index < all.size(); ++index) {
        const unsigned wanted = middle_of(all[index].ports.low).y;
        heights[index] = index == 0 ? wanted : std::max(wanted, heights[index - 1] + line_height);
    }
    for (std::size_t index = all.size(); index-- > 0; limit = heights[index] - line_height) {
        heights[index] = std::min(heights[index], limit);
    }
    std::string text;
    for (std::size_t index = 0; index < all.size(); ++index) {
        const Point from = middle_of(all[index].ports.low);
        const bool is_bad = all[index].collision != Collision::none;
        text += std::string("<path class=\"lead") + (is_bad ? " x" : "") + "\" d=\"M" + number(from.x) + " " +
                number(from.y) + "H" + number(right_edge + 4) + "L" + number(right_edge + label_margin - 6) +
                " " + number(heights[index]) + "h3\"/>\n";
        text += text_at({right_edge + label_margin, heights[index] + 4}, is_bad ? "bad" : "", "start",
                        escaped_for_xml(text_of(all[index])));
    }
    if (left_over != 0) {
        text += text_at({right_edge + label_margin, bottom_edge + 4}, "faint", "start",
                        "and " + number(left_over) + " more");
    }
    return text;
}

std::string shortened(const PortSet& ports) {
    constexpr std::size_t longest = 150;
    const std::string text = text_of(ports);
    return text.size() <= longest ? text : counted(ports.count({1, 65535}), "port");
}

std::string head(const PortMap& map) {
    const HostPorts& host = map.facts->settings.ports;
    std::string ephemeral = map.plan.ephemeral.empty() ? "unknown" : text_of(map.plan.ephemeral);
    ephemeral += map.plan.ephemeral_given && map.plan.ephemeral != host.range && !host.range.empty()
                     ? ", the kernel's " + text_of(host.range)
                     : "";
    ephemeral += host.reserved.empty() ? "" : ", reserved " + shortened(host.reserved);
    return "<text x=\"" + number(left) +
           "\" y=\"30\" font-size=\"18\" class=\"strong\">Ports of network namespace " +
           number(map.facts->netns) + "</text>\n" +
           text_at({left, 52}, "", "start",
                   "listen " + (map.plan.listen_given ? shortened(map.plan.listen) : "none given")) +
           text_at({left, 69}, "", "start", "ephemeral " + ephemeral);
}

std::string legend(const PortMap& map) {
    struct Entry {
        Use use;
        std::string_view name;
    };
    constexpr std::array entries{Entry{Use::listener, "listening"}, Entry{Use::outgoing, "outgoing"},
                                 Entry{Use::time_wait, "TIME_WAIT"}, Entry{Use::udp, "UDP"},
                                 Entry{Use::bound, "bound only"}};
    constexpr std::array grounds{"listen", "ephemeral", "reserved", "neither"};
    constexpr unsigned y = 94;
    unsigned x = left + 5;
    std::string text;
    const auto add = [&](const std::string& sign, const std::string& words) {
        text += sign + text_at({x + 12, y + 4}, "", "start", words);
        x += 36 + static_cast<unsigned>(words.size()) * 7;
    };
    for (const Entry& entry : entries) {
        add(marker(entry.use, {x, y}, false, ""),
            number(map.totals.of(entry.use)) + " " + std::string(entry.name));
    }
    add(marker(Use::listener, {x, y}, true, ""), "collision");
    for (const char* const ground : grounds) {
        add("<g class=\"" + std::string(ground) + "\">" + rectangle({x - 6, y - 6}, 12, 12) + "</g>", ground);
    }
    return text;
}

/// `height` grows by what is written.
std::string foot(const PortMap& map, unsigned& height) {
    std::string text;
    const auto add = [&](std::string_view kind, const std::string& words) {
        text += text_at({left, height}, kind, "start", words);
        height += 18;
    };
    const std::size_t shown = std::min(map.collisions.size(), most_collision_lines);
    for (std::size_t index = 0; index < shown; ++index) {
        const CollisionGroup& collision = map.collisions[index];
        add("bad", ports_in_words(collision.group.ports) + ": " + escaped_for_xml(collision.group.who) +
                       ", " + describe(map, collision));
    }
    if (shown < map.collisions.size()) {
        add("bad", "and " + number(map.collisions.size() - shown) + " more");
    }
    if (map.collisions.empty()) {
        add("", "no collisions");
    }
    for (const std::string& clause : map.facts->missing) {
        add("faint", "left out: " + escaped_for_xml(clause));
    }
    return text;
}

} // namespace

std::string svg_picture(const PortMap& map) {
    unsigned height = bottom_edge + 26;
    const std::string end = foot(map, height);
    const std::string size = number(width) + "\" height=\"" + number(height);
    return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + size + "\" viewBox=\"0 0 " + number(width) +
           " " + number(height) + "\" role=\"img\">\n<title>Ports of network namespace " +
           number(map.facts->netns) + "</title>\n" + svg_style() + "<rect class=\"paper\" width=\"" + size +
           "\"/>\n" + head(map) + legend(map) + axes() + grounds(map) + labels(map) + markers(map) + end +
           "</svg>\n";
}

} // namespace portguard::tools
