#include "tools/map/terminal_text.h"

#include <algorithm>
#include <array>

#include "core/text.h"
#include "tools/common/output.h"
#include "tools/common/port_text.h"
#include "tools/map/grid.h"
#include "tools/map/paint.h"

namespace portguard::tools {
namespace {

// Light and dark at once: what has no background of its own has a contrast of 4.5 against white and black,
// which of xterm's 240 colours only 29, 63, 98, 131, 163 and 243 do.
constexpr Paint on_listen{255, 24};
constexpr Paint on_ephemeral{255, 238};
constexpr Paint on_neither{243, -1};
constexpr Paint collision_paint{231, 160, true};
constexpr Paint collision_text{131, -1, true};
constexpr Paint faint{243, -1};
constexpr Paint strong{-1, -1, true};
constexpr int ground_of_connections = 236;

struct Look {
    char letter;
    std::string_view name;
    Paint paint;
};

/// By Use.
constexpr std::array<Look, use_count> looks{
    Look{'L', "listening", {16, 42, true}},
    Look{'b', "bound", {16, 51, true}},
    Look{'u', "UDP", {16, 141, true}},
    Look{'o', "out", {222, ground_of_connections}},
    Look{'t', "TIME_WAIT", {159, ground_of_connections}},
};

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

/// Letters also where there are colours, which a copy of the map in a ticket loses.
std::string_view letter_of(Ground ground) {
    switch (ground) {
    case Ground::listen: return "-";
    case Ground::ephemeral: return "=";
    case Ground::neither: break;
    }
    return ".";
}

bool is_connected(Use use) {
    return use == Use::outgoing || use == Use::time_wait;
}

void add_used(const GridCell& cell, PaintedLine& line) {
    const Look& look = look_of(*cell.use);
    Paint paint = look.paint;
    bool is_half_full = false;
    if (is_connected(*cell.use)) {
        const int background = paint_of(cell.ground).background;
        paint.background = background < 0 ? paint.background : background;
        is_half_full = cell.connected * 2 >= cell.ports.size();
    }
    line.add(std::string(1, is_half_full ? static_cast<char>(look.letter - 'a' + 'A') : look.letter), paint);
}

void add_cell(const GridCell& cell, PaintedLine& line) {
    if (cell.collides) {
        line.add("!", collision_paint);
    } else if (cell.use.has_value()) {
        add_used(cell, line);
    } else {
        line.add(cell.reserved ? "/" : letter_of(cell.ground), paint_of(cell.ground));
    }
}

constexpr std::size_t margin = 6;
constexpr std::size_t label_width = 11;

/// "+0         +1000": how far from the beginning of its row a cell is.
std::string axis(const GridScale& scale, const TextStyle& style) {
    PaintedLine line(style.coloured, style.columns);
    const unsigned ports_between_gaps = scale.ports_per_cell * cells_between_gaps;
    for (unsigned group = 0; group * ports_between_gaps < scale.ports_per_row; ++group) {
        line.fill_to(margin + group * std::size_t{cells_between_gaps + 1});
        const std::string text = "+" + std::to_string(group * ports_between_gaps);
        line.add(text.size() <= line.room() ? text : "", faint);
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
        line.add(text, labels[index].collision == Collision::none ? Paint{} : collision_text);
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
            add_cell(cells[index], line);
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

/// "listen     80,443", on more lines where one has no room for it.
std::string field(std::string_view label, const std::string& text, const TextStyle& style) {
    PaintedLine line(style.coloured, style.columns);
    line.add(label, strong);
    if (label_width + text.size() <= style.columns) {
        return line.fill_to(label_width).add(text).text() + "\n";
    }
    std::string lines = line.text() + "\n";
    const std::string below = wrapped(text, "  ", style.columns);
    std::string_view rest = below;
    while (!rest.empty()) {
        lines += PaintedLine(style.coloured, style.columns).add(next_field(rest, '\n')).text() + "\n";
    }
    return lines;
}

std::string head(const PortMap& map, const GridScale& scale, const TextStyle& style) {
    const HostPorts& host = map.facts->settings.ports;
    const std::string name = "ports of network namespace " + std::to_string(map.facts->netns);
    const std::string cell = "a cell is " + std::to_string(scale.ports_per_cell) + " ports";
    const std::string row = ", a row " + std::to_string(scale.ports_per_row);
    PaintedLine title(style.coloured, style.columns);
    title.add(name, strong);
    PaintedLine below(style.coloured, style.columns);
    const bool is_one_line = name.size() + 2 + cell.size() + row.size() <= style.columns;
    (is_one_line ? title.add(": ") : below).add(cell);
    (is_one_line ? title : below).add(is_one_line || below.room() >= row.size() ? row : "");
    const std::size_t room = style.columns - std::min(style.columns, label_width);
    std::string ephemeral = map.plan.ephemeral.empty() ? "unknown" : text_of(map.plan.ephemeral);
    if (map.plan.ephemeral_given && map.plan.ephemeral != host.range && !host.range.empty()) {
        ephemeral += ", the kernel's " + text_of(host.range);
    }
    if (!host.reserved.empty()) {
        constexpr std::string_view word = ", reserved ";
        const std::size_t used = ephemeral.size() + word.size();
        ephemeral += std::string(word) + shortened(host.reserved, room - std::min(room, used));
    }
    return title.text() + "\n" + (is_one_line ? "" : below.text() + "\n") +
           field("listen", map.plan.listen_given ? shortened(map.plan.listen, room) : "none given", style) +
           field("ephemeral", ephemeral, style);
}

/// As many to a line as there is room for.
class Legend {
public:
    explicit Legend(const TextStyle& style) : style_(style), line_(style.coloured, style.columns) {}

    void add(std::string_view letter, const Paint& paint, const std::string& words) {
        const std::size_t width = letter.size() + words.size();
        if (!is_empty_ && width + 2 > line_.room()) {
            end_line();
        }
        line_.add(is_empty_ ? "" : "  ").add(letter, paint).add(words);
        is_empty_ = false;
    }
    void end_line() {
        text_ += line_.text() + "\n";
        line_ = PaintedLine(style_.coloured, style_.columns);
        is_empty_ = true;
    }
    [[nodiscard]] const std::string& text() const { return text_; }

private:
    TextStyle style_;
    PaintedLine line_;
    std::string text_;
    bool is_empty_ = true;
};

std::string legend(const PortMap& map, const TextStyle& style) {
    Legend legend(style);
    for (const Use use : {Use::listener, Use::outgoing, Use::time_wait, Use::udp, Use::bound}) {
        const Look& look = look_of(use);
        legend.add(std::string_view(&look.letter, 1), look.paint,
                   " " + std::to_string(map.totals.of(use)) + " " + std::string(look.name));
    }
    legend.end_line();
    legend.add(letter_of(Ground::listen), on_listen, " listen");
    legend.add(letter_of(Ground::ephemeral), on_ephemeral, " ephemeral");
    legend.add("/", on_ephemeral, " reserved");
    legend.add(".", on_neither, " neither");
    legend.add("!", collision_paint, " collision");
    legend.add("", {}, "O T: half full");
    legend.end_line();
    return legend.text();
}

} // namespace

std::string collision_lines(const PortMap& map, const TextStyle& style, std::size_t lines) {
    if (map.collisions.empty()) {
        return PaintedLine(style.coloured, style.columns).add("no collisions").text() + "\n";
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
    const std::string legend_lines = legend(map, style);
    const auto lines_of = [](const std::string& text) {
        return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    };
    // Head, axis, legend, and a line for collisions. No scale has a longer name than the coarsest.
    const std::size_t other_lines =
        lines_of(head(map, {1000, 20000}, style)) + 1 + lines_of(legend_lines) + 1;
    const std::size_t left_out = map.facts->missing.size();
    const auto beside = [](std::size_t all, std::size_t part) {
        return static_cast<unsigned>(all - std::min(all, part));
    };
    const unsigned rows = beside(style.lines, other_lines + std::min<std::size_t>(left_out, 1));
    GridScale scale = finest_scale(beside(style.columns, margin + least_labels), rows);
    if (scale.cells_per_row() + gaps(scale) + margin + least_labels > style.columns) {
        // Cells matter more than labels.
        scale = finest_scale(beside(style.columns, margin), rows);
    }
    const bool has_room = margin + scale.cells_per_row() + gaps(scale) <= style.columns;
    const std::string cells = axis(scale, style) + "\n" + rows_of(map, scale, style) + legend_lines;
    std::string text =
        head(map, scale, style) +
        (has_room ? cells : PaintedLine(style.coloured, style.columns).add("no room").text() + "\n");
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
