#include "tools/metrics/ephemeral_use.h"

#include <algorithm>
#include <tuple>

#include "core/endpoint.h"
#include "core/text.h"
#include "tools/check/collision.h"

namespace portguard::tools {
namespace {

/// More than are shown, since the busiest of the next look may be others.
constexpr std::size_t most_remembered = 100;
/// An older look says nothing of the present rate.
constexpr std::chrono::hours oldest_sample{1};

/// Who may have a port once.
struct Way {
    Protocol protocol;
    Endpoint remote;
    std::array<std::uint8_t, 16> local_address;
    std::uint16_t local_port;

    [[nodiscard]] auto destination() const {
        return std::tie(protocol, remote.family, remote.address, remote.port);
    }
    [[nodiscard]] auto source() const { return std::tie(local_address, local_port); }
};

std::vector<Way> sorted_ways(const HostFacts& facts) {
    std::vector<Way> ways;
    for (const SocketFact& fact : facts.sockets) {
        const DiagSocket& socket = fact.socket;
        if (fact.role == Role::outgoing && socket.remote.port != 0 && !is_lease(socket) &&
            facts.settings.ports.gives(socket.local.port)) {
            ways.push_back({socket.protocol, socket.remote, socket.local.address, socket.local.port});
        }
    }
    std::sort(ways.begin(), ways.end(), [](const Way& left, const Way& right) {
        return std::tuple_cat(left.destination(), left.source()) <
               std::tuple_cat(right.destination(), right.source());
    });
    return ways;
}

std::string address_of(const Endpoint& endpoint) {
    Text<64> text;
    print_address(endpoint, text);
    return std::string(text.view());
}

/// Of the ways [first, last) to one destination, by address.
std::uint32_t most_of_one_source(std::vector<Way>::const_iterator first,
                                 std::vector<Way>::const_iterator last) {
    std::uint32_t most = 0;
    while (first != last) {
        const auto end = std::find_if(
            first, last, [&](const Way& way) { return way.local_address != first->local_address; });
        std::uint32_t count = 0;
        for (auto way = first; way != end; ++way) {
            count += way == first || way->local_port != std::prev(way)->local_port ? 1 : 0;
        }
        most = std::max(most, count);
        first = end;
    }
    return most;
}

void add_destinations(const HostFacts& facts, EphemeralUse& use) {
    struct Busy {
        std::uint32_t ports;
        const Way* way;
    };
    const std::vector<Way> ways = sorted_ways(facts);
    std::vector<Busy> busy;
    for (auto first = ways.begin(); first != ways.end();) {
        const auto last = std::find_if(
            first, ways.end(), [&](const Way& way) { return way.destination() != first->destination(); });
        busy.push_back({most_of_one_source(first, last), &*first});
        first = last;
    }
    std::stable_sort(busy.begin(), busy.end(),
                     [](const Busy& left, const Busy& right) { return left.ports > right.ports; });
    use.has_every_destination = busy.size() <= most_remembered;
    if (busy.size() > most_remembered) {
        busy.erase(busy.begin() + most_remembered, busy.end());
    }
    for (const Busy& entry : busy) {
        const Way& way = *entry.way;
        use.destinations.push_back({way.protocol, address_of(way.remote), way.remote.port, entry.ports});
    }
}

} // namespace

EphemeralUse ephemeral_use(const HostFacts& facts) {
    EphemeralUse use;
    const HostPorts& host = facts.settings.ports;
    use.size = host.range.size() - host.reserved.count(host.range);
    std::map<std::pair<Protocol, SocketState>, PortSet> used;
    for (const SocketFact& fact : facts.sockets) {
        const std::uint16_t port = fact.socket.local.port;
        if (host.gives(port)) {
            used[{fact.socket.protocol, fact.socket.state}].insert({port, port});
        }
    }
    for (const auto& [state, ports] : used) {
        use.by_state[state] = ports.count(host.range);
    }
    add_destinations(facts, use);
    return use;
}

std::optional<double> seconds_until_full(const DestinationUse& now, std::uint32_t size,
                                         const std::optional<UseSample>& before,
                                         std::chrono::milliseconds instant) {
    if (now.ports >= size) {
        return 0;
    }
    if (!before.has_value() || instant <= before->instant || instant - before->instant > oldest_sample) {
        return std::nullopt;
    }
    const auto& earlier = before->destinations;
    const auto found = std::find_if(earlier.begin(), earlier.end(),
                                    [&](const DestinationUse& one) { return one.is_same_as(now); });
    if (found == earlier.end() && !before->has_every_destination) {
        return std::nullopt;
    }
    const std::uint32_t ports_before = found == earlier.end() ? 0 : found->ports;
    if (now.ports <= ports_before) {
        return std::nullopt;
    }
    const std::chrono::duration<double> passed = instant - before->instant;
    return (size - now.ports) * passed.count() / (now.ports - ports_before);
}

} // namespace portguard::tools
