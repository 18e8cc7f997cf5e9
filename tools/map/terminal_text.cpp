#include "tools/map/terminal_text.h"

#include <algorithm>
#include <array>

#include "tools/common/port_text.h"
#include "tools/map/grid.h"
#include "tools/map/paint.h"

namespace portguard::tools {
namespace {

// Light and dark at once: no colour here is read against the terminal's own background.
constexpr Paint on_listen{250, 24};
constexpr Paint on_ephemeral{250, 238};
constexpr Paint on_neither{244, -1};
constexpr Paint collision_paint{231, 160, true};
constexpr Paint faint{244, -1};
constexpr Paint strong{-1, -1, true};

struct Look {
    char letter;
    std::string_view name;
    Paint paint;
};

/// By Use.
constexpr std::array<Look, use_count> looks{
    Look{'L', "listening", {16, 42, true}}, Look{'b', "bound", {16, 51, true}},
    Look{'u', "UDP", {16, 141, true}},      Look{'o', "out", {214, -1}},
    Look{'t', "TIME_WAIT", {117, -1}},
};

/// Eighths of a cell; where there is no UTF-8, letters.
constexpr std::array<std::string_view, 8> bars{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

const Look& look_of(Use use) {
    return looks[static_cast<std::size_t>(use)];
}

Paint paint_of(Ground ground) {
    switch (ground) {
    case Ground::listen: return on_listen;
    case Ground::ephemeral: return on_ephemeral;
    case Ground::neither: break;
    }
    return on_neither;
}

std::string_view letter_of(Ground ground, bool coloured) {
    switch (ground) {
    case Ground::listen: return coloured ? " " : "-";
    case Ground::ephemeral: return coloured ? " " : "=";
    case Ground::neither: break;
    }
    return ".";
}

bool is_connected(Use use) {
    return use == Use::outgoing || use == Use::time_wait;
}

void add_used(const GridCell& cell, const TextStyle& style, PaintedLine& line) {
    const Look& look = look_of(*cell.use);
    if (!is_connected(*cell.use)) {
        line.add(std::string(1, look.letter), look.paint);
        return;
    }
    Paint paint = look.paint;
    paint.background = paint_of(cell.ground).background;
    const unsigned eighth = std::min(cell.connected * 8 / cell.ports.size(), 7U);
    if (style.coloured && style.utf8) {
        line.add(bars[eighth], paint);
        return;
    }
    const char letter = eighth < 4 ? look.letter : static_cast<char>(look.letter - 'a' + 'A');
    line.add(std::string(1, letter), paint);
}

void add_cell(const GridCell& cell, const TextStyle& style, PaintedLine& line) {
    if (cell.collides) {
        line.add("!", collision_paint);
    } else if (cell.use.has_value()) {
        add_used(cell, style, line);
    } else {
        line.add(cell.reserved ? "/" : letter_of(cell.ground, style.coloured), paint_of(cell.ground));
    }
}

constexpr std::size_t margin = 6;

/// "+0         +1000": how far from the beginning of its row a cell is.
std::string axis(const GridScale& scale, const TextStyle& style) {
    PaintedLine line(style.coloured, style.columns);
    const unsigned ports_between_gaps = scale.ports_per_cell * cells_between_gaps;
    for (unsigned group = 0; group * ports_between_gaps < scale.ports_per_row; ++group) {
        line.fill_to(margin + group * std::size_t{cells_between_gaps + 1});
        line.add("+" + std::to_string(group * ports_between_gaps), faint);
    }
    return line.text();
}

/// As many of the row's labels as there is room for, and how many are left.
void add_labels(std::span<const Label> labels, PaintedLine& line) {
    const std::string most_left = " +" + std::to_string(labels.size());
    for (std::size_t index = 0; index < labels.size(); ++index) {
        const std::string text = (index == 0 ? " " : ", ") + text_of(labels[index]);
        const bool is_last = index + 1 == labels.size();
        if (text.size() + (is_last ? 0 : most_left.size()) > line.room()) {
            line.add(" +" + std::to_string(labels.size() - index), faint);
            return;
        }
        line.add(text, labels[index].collision == Collision::none ? Paint{} : Paint{160, -1, true});
    }
}

std::string rows_of(const PortMap& map, const GridScale& scale, const TextStyle& style) {
    const std::vector<GridCell> cells = cells_of(map, scale.ports_per_cell);
    const std::vector<Label> labels = labels_of(map);
    std::string text;
    auto first_label = labels.begin();
    for (std::size_t first = 0; first < cells.size(); first += scale.cells_per_row()) {
        PaintedLine line(style.coloured, style.columns);
        const std::string start = std::to_string(first * scale.ports_per_cell);
        line.fill_to(margin - 1 - start.size()).add(start + " ", faint);
        const std::size_t end = std::min(cells.size(), first + scale.cells_per_row());
        for (std::size_t index = first; index < end; ++index) {
            line.add((index - first) % cells_between_gaps == 0 && index != first ? " " : "");
            add_cell(cells[index], style, line);
        }
        const auto last_label = std::find_if(first_label, labels.end(), [&](const Label& label) {
            return label.ports.low > cells[end - 1].ports.high;
        });
        if (first_label != last_label) {
            line.fill_to(margin + scale.cells_per_row() + gaps(scale));
            add_labels({first_label, last_label}, line);
        }
        first_label = last_label;
        text += line.text() + "\n";
    }
    return text;
}

/// A longer set of ports does not belong into a line.
std::string shortened(const PortSet& ports, std::size_t longest) {
    const std::string text = text_of(ports);
    return text.size() <= longest ? text : counted(ports.count({1, 65535}), "port");
}

std::string head(const PortMap& map, const GridScale& scale, const TextStyle& style) {
    const HostPorts& host = map.facts->settings.ports;
    PaintedLine title(style.coloured, style.columns);
    title.add("ports of network namespace " + std::to_string(map.facts->netns), strong)
        .add(": a cell is " + std::to_string(scale.ports_per_cell) + " ports, a row " +
             std::to_string(scale.ports_per_row));
    PaintedLine listen(style.coloured, style.columns);
    listen.add("listen     ", strong);
    listen.add(map.plan.listen_given ? shortened(map.plan.listen, listen.room()) : "none given");
    PaintedLine ephemeral(style.coloured, style.columns);
    ephemeral.add("ephemeral  ", strong)
        .add(map.plan.ephemeral.empty() ? "unknown" : text_of(map.plan.ephemeral))
        .add(map.plan.ephemeral_given && map.plan.ephemeral != host.range && !host.range.empty()
                 ? ", the kernel's " + text_of(host.range)
                 : "");
    if (!host.reserved.empty()) {
        constexpr std::string_view word = ", reserved ";
        const std::size_t room = ephemeral.room() - std::min(ephemeral.room(), word.size());
        ephemeral.add(word).add(shortened(host.reserved, room));
    }
    return title.text() + "\n" + listen.text() + "\n" + ephemeral.text() + "\n";
}

std::string legend(const PortMap& map, const TextStyle& style) {
    PaintedLine uses(style.coloured, style.columns);
    for (const Use use : {Use::listener, Use::outgoing, Use::time_wait, Use::udp, Use::bound}) {
        const Look& look = look_of(use);
        uses.add(use == Use::listener ? "" : "  ");
        uses.add(is_connected(use) && style.coloured && style.utf8 ? bars[4]
                                                                   : std::string_view(&look.letter, 1),
                 look.paint);
        uses.add(" " + std::to_string(map.totals.of(use)) + " " + std::string(look.name));
    }
    PaintedLine grounds(style.coloured, style.columns);
    grounds.add(letter_of(Ground::listen, style.coloured), on_listen).add(" listen  ");
    grounds.add(letter_of(Ground::ephemeral, style.coloured), on_ephemeral).add(" ephemeral  ");
    grounds.add("/", on_ephemeral).add(" reserved  ").add(".", on_neither).add(" neither  ");
    grounds.add("!", collision_paint).add(" collision  ");
    grounds.add(style.coloured && style.utf8 ? "height: ports in use" : "O T: half full");
    return uses.text() + "\n" + grounds.text() + "\n";
}

} // namespace

std::string collision_lines(const PortMap& map, const TextStyle& style, std::size_t lines) {
    if (map.collisions.empty()) {
        return "no collisions\n";
    }
    const std::size_t all = map.collisions.size();
    const std::size_t shown = all <= lines ? all : std::max<std::size_t>(lines, 1) - 1;
    std::string text;
    for (std::size_t index = 0; index < shown; ++index) {
        const CollisionGroup& collision = map.collisions[index];
        PaintedLine line(style.coloured, style.columns);
        line.add("!", collision_paint).add(" " + ports_in_words(collision.group.ports), strong);
        line.add(": " + collision.group.who + ", " + describe(map, collision));
        text += line.text() + "\n";
    }
    if (shown < all) {
        PaintedLine line(style.coloured, style.columns);
        line.add("!", collision_paint)
            .add(" " + std::to_string(all - shown) + (shown == 0 ? "" : " more") +
                 "; `portguard check` explains them");
        text += line.text() + "\n";
    }
    return text;
}

std::string terminal_text(const PortMap& map, const TextStyle& style) {
    constexpr std::size_t least_labels = 12;
    // Head, axis, legend, and a line for collisions.
    constexpr std::size_t other_lines = 3 + 1 + 2 + 1;
    const std::size_t left_out = map.facts->missing.size();
    const auto beside = [](std::size_t all, std::size_t part) {
        return static_cast<unsigned>(all - std::min(all, part));
    };
    const GridScale scale =
        finest_scale(beside(style.columns, margin + least_labels),
                     beside(style.lines, other_lines + std::min<std::size_t>(left_out, 1)));
    std::string text =
        head(map, scale, style) + axis(scale, style) + "\n" + rows_of(map, scale, style) + legend(map, style);
    const std::size_t room = beside(style.lines, other_lines - 1 + scale.rows());
    text += collision_lines(map, style, room - std::min(room, std::min<std::size_t>(left_out, 1)));
    if (left_out != 0) {
        PaintedLine line(style.coloured, style.columns);
        line.add("left out: " + map.facts->missing.front());
        text += line.text() + "\n";
    }
    return text;
}

} // namespace portguard::tools
