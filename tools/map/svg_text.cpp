#include "tools/map/svg.h"

#include <algorithm>

#include "explain/sentence.h"
#include "tools/common/markup.h"
#include "tools/common/output.h"
#include "tools/common/port_text.h"

namespace portguard::tools {
namespace {

/// A port with thousands of connections has no room for all of them.
constexpr std::size_t most_lines = 6;

std::string line_of(const HostFacts& facts, const DiagSocket& socket) {
    std::string text = socket.protocol == Protocol::udp ? "UDP " : "TCP ";
    text.append(state_name(socket.state)).append(" ").append(text_of(socket.local));
    text += socket.remote.port == 0 ? "" : " to " + text_of(socket.remote);
    text += socket.timer_ms.has_value() && socket.state == SocketState::time_wait
                ? ", " + seconds_left(socket) + " left"
                : "";
    text += socket.is_hold() ? ", reserved by portguard hold" : "";
    return text + ", " + who_has(facts, socket, pids_of(facts, socket));
}

std::string collision_of(const PortMap& map, const PortUse& use) {
    const auto found =
        std::find_if(map.collisions.begin(), map.collisions.end(), [&](const CollisionGroup& collision) {
            return collision.collision == use.collision && collision.group.ports.contains(use.port);
        });
    return found == map.collisions.end() ? "" : "\ncollision: " + describe(map, *found);
}

} // namespace

std::string escaped_for_xml(std::string_view text) {
    return escaped_markup(shown(text));
}

std::string title_of(const PortMap& map, const PortUse& use) {
    std::string text = "<title>port " + std::to_string(use.port) + collision_of(map, use);
    for (std::size_t index = 0; index < std::min(use.sockets.size(), most_lines); ++index) {
        text += "\n" + escaped_for_xml(line_of(*map.facts, *use.sockets[index]));
    }
    if (use.sockets.size() > most_lines) {
        text += "\nand " + counted(use.sockets.size() - most_lines, "more socket");
    }
    return text + "</title>";
}

} // namespace portguard::tools
