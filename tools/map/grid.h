// Ports as cells: 65,536 are more than a screen has characters.
#pragma once

#include <optional>
#include <vector>

#include "tools/map/port_map.h"

namespace portguard::tools {

struct GridScale {
    unsigned ports_per_cell = 100;
    unsigned ports_per_row = 5000;

    [[nodiscard]] unsigned cells_per_row() const { return ports_per_row / ports_per_cell; }
    /// The last one may be shorter.
    [[nodiscard]] unsigned rows() const { return (65536 + ports_per_row - 1) / ports_per_row; }
    friend bool operator==(const GridScale&, const GridScale&) = default;
};

/// The finest of round numbers that fits; where nothing does, the coarsest. `columns` and `rows` are of
/// cells, gaps() of them included.
GridScale finest_scale(unsigned columns, unsigned rows);

/// A column is left free after every tenth cell, so that ports can be counted.
inline constexpr unsigned cells_between_gaps = 10;
unsigned gaps(const GridScale& scale);

/// What the ports of a cell are meant for.
enum class Ground : std::uint8_t { neither, ephemeral, listen };

struct GridCell {
    PortRange ports;
    Ground ground = Ground::neither;
    /// What most of its used ports are used for, but a listener beats all.
    std::optional<Use> use;
    bool collides = false;
    /// Has ports of net.ipv4.ip_local_reserved_ports.
    bool reserved = false;
    /// Ports that connections have, or left in TIME_WAIT.
    unsigned connected = 0;
};

/// From port 0 on.
std::vector<GridCell> cells_of(const PortMap& map, unsigned ports_per_cell);

} // namespace portguard::tools
