#include "tools/map/grid.h"

#include <algorithm>
#include <array>

namespace portguard::tools {
namespace {

constexpr std::array<unsigned, 11> cell_sizes{10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000};
constexpr std::array<unsigned, 7> row_sizes{1000, 2000, 2500, 5000, 10000, 20000, 50000};

Ground ground_of(const PortPlan& plan, PortRange ports) {
    // A single listen port is what it is about: it shows, whatever the rest of the cell is for.
    if (plan.listen_given && plan.listen.count(ports) != 0) {
        return Ground::listen;
    }
    return intersection(plan.ephemeral, ports).empty() ? Ground::neither : Ground::ephemeral;
}

using Counts = std::array<unsigned, use_count>;

std::optional<Use> most_of(const Counts& counts) {
    const auto most = std::max_element(counts.begin(), counts.end());
    if (*most == 0) {
        return std::nullopt;
    }
    const bool listens = counts[static_cast<std::size_t>(Use::listener)] != 0;
    return listens ? Use::listener : static_cast<Use>(most - counts.begin());
}

} // namespace

unsigned gaps(const GridScale& scale) {
    return (scale.cells_per_row() - 1) / cells_between_gaps;
}

GridScale finest_scale(unsigned columns, unsigned rows) {
    for (const unsigned cell : cell_sizes) {
        for (const unsigned row : row_sizes) {
            const GridScale scale{cell, row};
            const bool is_round = row % (cell * cells_between_gaps) == 0;
            if (is_round && scale.cells_per_row() + gaps(scale) <= columns && scale.rows() <= rows) {
                return scale;
            }
        }
    }
    // A terminal scrolls down and not aside.
    return columns < 2 * cells_between_gaps ? GridScale{1000, 10000} : GridScale{1000, 20000};
}

std::vector<GridCell> cells_of(const PortMap& map, unsigned ports_per_cell) {
    std::vector<GridCell> cells(65536 / ports_per_cell + (65536 % ports_per_cell == 0 ? 0 : 1));
    std::vector<Counts> counts(cells.size());
    for (const PortUse& use : map.uses) {
        GridCell& cell = cells[use.port / ports_per_cell];
        ++counts[use.port / ports_per_cell][static_cast<std::size_t>(use.use)];
        cell.collides |= use.collision != Collision::none;
        cell.connected += use.use == Use::outgoing || use.use == Use::time_wait ? 1U : 0U;
    }
    for (std::size_t index = 0; index < cells.size(); ++index) {
        GridCell& cell = cells[index];
        const std::size_t first = index * ports_per_cell;
        // Port 0 is not a port.
        cell.ports = {static_cast<std::uint16_t>(std::max<std::size_t>(first, 1)),
                      static_cast<std::uint16_t>(std::min<std::size_t>(first + ports_per_cell - 1, 65535))};
        cell.ground = ground_of(map.plan, cell.ports);
        cell.use = most_of(counts[index]);
        cell.reserved = map.facts->settings.ports.reserved.count(cell.ports) != 0;
    }
    return cells;
}

} // namespace portguard::tools
