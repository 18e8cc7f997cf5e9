#include "tools/repro/fix.h"

#include <algorithm>
#include <array>

#include "core/outgoing.h"
#include "core/text.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

constexpr std::array<std::string_view, 4> names{"none", "reuseaddr", "split", "wait"};

void flag(WantedSocket& socket) {
    const bool is_flagged_by_guard = socket.is_connection() || socket.state == SocketState::listen;
    socket.reuseaddr |= socket.protocol != Protocol::udp && is_flagged_by_guard;
}

bool dialled(const WantedSocket& socket) {
    return socket.is_connection() && !socket.accepted && socket.protocol != Protocol::udp;
}

template <typename Change>
void change_all(Scene& scene, Change change) {
    for (StandIn& stand_in : scene.stand_ins) {
        std::for_each(stand_in.sockets.begin(), stand_in.sockets.end(), change);
    }
    std::for_each(scene.own.begin(), scene.own.end(), change);
}

} // namespace

std::string_view fix_name(Fix fix) {
    return names[static_cast<std::size_t>(fix)];
}

std::vector<Fix> parse_fixes(const std::string& words) {
    std::vector<Fix> fixes{Fix::none};
    if (words == "all") {
        return {Fix::none, Fix::reuseaddr, Fix::split, Fix::wait};
    }
    std::string_view rest = words;
    while (!rest.empty()) {
        const std::string_view word = next_field(rest, ',');
        const auto found = std::find(names.begin(), names.end(), word);
        if (found == names.end()) {
            throw Refusal(ExitCode::usage, "with-fix=" + shown(word) + " is not a fix; the values are " +
                                               std::string(fix_values));
        }
        const Fix fix = static_cast<Fix>(found - names.begin());
        if (std::find(fixes.begin(), fixes.end(), fix) == fixes.end()) {
            fixes.push_back(fix);
        }
    }
    return fixes;
}

Scene fixed(Scene scene, Fix fix) {
    if (fix == Fix::reuseaddr) {
        change_all(scene, flag);
    } else if (fix == Fix::split) {
        const std::uint16_t port = scene.asked.local.endpoint.port;
        const PortRange beside = without_port(scene.ephemeral, port);
        scene.ephemeral = beside.contains(port) ? range_without(port) : beside;
        change_all(scene, [port](WantedSocket& socket) {
            if (dialled(socket) && socket.local.endpoint.port == port) {
                socket.local.endpoint.port = 0;
            }
        });
    }
    return scene;
}

} // namespace portguard::tools
