#include "explain/port_usage.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "core/text.h"

namespace portguard {
namespace {

constexpr PortRange every_port{1, 65535};
constexpr std::size_t shown_destinations = 5;

/// Orders endpoints for the map alone.
struct EndpointOrder {
    bool operator()(const Endpoint& left, const Endpoint& right) const {
        return std::pair(left.address, left.port) < std::pair(right.address, right.port);
    }
};

/// The `most` entries with the highest counts first.
template <typename Entry>
void keep_highest(std::vector<Entry>& entries, std::size_t most) {
    std::stable_sort(entries.begin(), entries.end(),
                     [](const Entry& left, const Entry& right) { return left.sockets > right.sockets; });
    entries.resize(std::min(entries.size(), most));
}

} // namespace

std::uint32_t PortUsage::count(SocketState state) const {
    const auto found = std::find_if(states.begin(), states.end(),
                                    [state](const StateCount& entry) { return entry.state == state; });
    return found == states.end() ? 0 : found->sockets;
}

PortUsage summarize_ports(const PortSet& ports, std::span<const DiagSocket> sockets) {
    PortSet used;
    PortSet of_every_address;
    std::map<SocketState, std::uint32_t> states;
    std::map<Endpoint, std::uint32_t, EndpointOrder> destinations;
    for (const DiagSocket& socket : sockets) {
        if (!ports.contains(socket.local.port)) {
            continue;
        }
        used.insert({socket.local.port, socket.local.port});
        if (socket.local.is_wildcard()) {
            of_every_address.insert({socket.local.port, socket.local.port});
        }
        ++states[socket.state];
        if (socket.remote.port != 0) {
            ++destinations[socket.remote];
        }
    }
    PortUsage usage;
    Text<64> list;
    print_port_set(ports, list);
    usage.ports = list.view();
    usage.total = ports.count(every_port);
    usage.in_use = used.count(every_port);
    usage.of_every_address = of_every_address.count(every_port);
    for (const auto& [state, count] : states) {
        usage.states.push_back({state, count});
    }
    for (const auto& [endpoint, count] : destinations) {
        usage.destinations.push_back({endpoint, count});
    }
    keep_highest(usage.states, usage.states.size());
    keep_highest(usage.destinations, shown_destinations);
    return usage;
}

} // namespace portguard
