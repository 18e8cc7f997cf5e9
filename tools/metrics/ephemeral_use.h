// How far the ports that the kernel gives to outgoing connections are used up, and how long they will last.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tools/check/host_facts.h"

namespace portguard::tools {

struct DestinationUse {
    Protocol protocol = Protocol::tcp;
    /// "10.1.2.3".
    std::string address;
    std::uint16_t port = 0;
    /// Of the local address that has most connections to it: each has the whole range.
    std::uint32_t ports = 0;

    [[nodiscard]] bool is_same_as(const DestinationUse& other) const {
        return protocol == other.protocol && port == other.port && address == other.address;
    }
};

struct EphemeralUse {
    /// What the kernel may give: the range less the reserved ports.
    std::uint32_t size = 0;
    /// Ports of those that a socket in that state has, each once.
    std::map<std::pair<Protocol, SocketState>, std::uint32_t> by_state;
    /// The busiest first, no more than are remembered.
    std::vector<DestinationUse> destinations;
    /// There are no others.
    bool has_every_destination = true;
};

/// What is shown, so that a scrape has as many series on every host.
inline constexpr std::size_t most_destinations = 10;

EphemeralUse ephemeral_use(const HostFacts& facts);

/// One look at the destinations, kept for the next.
struct UseSample {
    /// Since 1970.
    std::chrono::milliseconds instant{0};
    std::vector<DestinationUse> destinations;
    bool has_every_destination = true;
};

/// Null: it is not known, or the use does not grow.
std::optional<double> seconds_until_full(const DestinationUse& now, std::uint32_t size,
                                         const std::optional<UseSample>& before,
                                         std::chrono::milliseconds instant);

} // namespace portguard::tools
