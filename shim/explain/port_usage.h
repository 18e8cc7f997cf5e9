// How full the ports are that a socket could have been given, and with what.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/endpoint.h"
#include "core/port_set.h"
#include "kernel/sock_diag.h"

namespace portguard {

struct PortUsage {
    struct StateCount {
        SocketState state = SocketState::unknown;
        std::uint32_t sockets = 0;
    };
    struct DestinationCount {
        Endpoint endpoint;
        std::uint32_t sockets = 0;
    };

    /// "15000-65000", or the list that port_zero=listen chooses from.
    std::string ports;
    /// Each takes one connection alone, since it is chosen by an explicit bind (design 3.4, step 3).
    bool by_binds = false;
    std::uint32_t total = 0;
    /// Ports, however many sockets each has.
    std::uint32_t in_use = 0;
    /// Those of them that a socket without an address of its own has: no address leaves them free.
    std::uint32_t of_every_address = 0;
    /// Most first.
    std::vector<StateCount> states;
    /// The five with most sockets.
    std::vector<DestinationCount> destinations;

    [[nodiscard]] std::uint32_t count(SocketState state) const;
};

/// Of `sockets`, those whose local port is one of `ports`. Pure.
PortUsage summarize_ports(const PortSet& ports, std::span<const DiagSocket> sockets);

} // namespace portguard
