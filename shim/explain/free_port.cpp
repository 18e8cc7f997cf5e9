#include "explain/free_port.h"

#include <algorithm>

#include "explain/cures.h"
#include "explain/known_defaults.h"
#include "explain/probe.h"
#include "kernel/sock_diag.h"

namespace portguard {
namespace {

constexpr std::size_t most_candidates = 64;

class Candidates {
public:
    Candidates(std::uint16_t asked, const PortSet& listen, const HostSettings& host)
        : listen_(listen), is_planned_(!listen.empty()), host_(host.ports) {
        const std::uint16_t first_free = host.unprivileged_port_start.value_or(1024);
        lowest_ = asked < first_free ? std::uint16_t{1} : std::max<std::uint16_t>(first_free, 1);
    }

    [[nodiscard]] bool holds(std::uint32_t number) const {
        if (number < lowest_ || number > 65535) {
            return false;
        }
        const auto port = static_cast<std::uint16_t>(number);
        const bool may_be_had = is_planned_ ? listen_.contains(port) : !host_.gives(port);
        return may_be_had && !known_defaults_.contains(port);
    }

private:
    const PortSet& listen_;
    bool is_planned_;
    const HostPorts& host_;
    // Ray's and Nomad's ranges alone are 20,000 neighbouring ports to pass by.
    PortSet known_defaults_ = known_default_ports();
    std::uint16_t lowest_ = 1;
};

/// 0: none of them is known to be free.
std::uint16_t first_free(const std::vector<std::uint16_t>& ports, const Neighbours& known,
                         Protocol protocol) {
    const auto is_free = [&known, protocol](std::uint16_t port) {
        return known.ports.contains(port) &&
               !std::binary_search(known.taken.begin(), known.taken.end(), port) &&
               (protocol == Protocol::udp || !may_be_bound_unseen(port));
    };
    const auto free = std::find_if(ports.begin(), ports.end(), is_free);
    return free == ports.end() ? std::uint16_t{0} : *free;
}

} // namespace

std::vector<std::uint16_t> ports_beside(std::uint16_t asked, const PortSet& listen,
                                        const HostSettings& host) {
    const Candidates candidates(asked, listen, host);
    std::vector<std::uint16_t> ports;
    for (std::uint32_t distance = 1; distance < 65536 && ports.size() < most_candidates; ++distance) {
        if (candidates.holds(asked + distance)) {
            ports.push_back(static_cast<std::uint16_t>(asked + distance));
        }
        if (distance < asked && candidates.holds(asked - distance)) {
            ports.push_back(static_cast<std::uint16_t>(asked - distance));
        }
    }
    return ports;
}

std::uint16_t nearest_free_port(std::uint16_t asked, Protocol protocol, const PortSet& listen,
                                const HostSettings& host, const Neighbours& known, const Deadline& deadline,
                                const Syscalls& syscalls) {
    const std::vector<std::uint16_t> ports = ports_beside(asked, listen, host);
    if (const std::uint16_t port = first_free(ports, known, protocol); port != 0 || ports.empty()) {
        return port;
    }
    const auto [lowest, highest] = std::minmax_element(ports.begin(), ports.end());
    Neighbours seen{{*lowest, *highest}, {}};
    std::vector<DiagSocket> sockets;
    if (dump_both_families(protocol, seen.ports, diag_all, deadline, syscalls, sockets).error != 0) {
        return 0;
    }
    for (const DiagSocket& socket : sockets) {
        seen.taken.push_back(socket.local.port);
    }
    std::sort(seen.taken.begin(), seen.taken.end());
    return first_free(ports, seen, protocol);
}

void ask_free_port(Facts& facts, const Explanation& explanation, const Deadline& deadline) {
    // Without the host's range every port would look fit.
    if (names_free_port(facts, explanation) && !facts.host.ports.range.empty()) {
        facts.free_port =
            nearest_free_port(facts.event.asked.port, facts.event.protocol, facts.config->listen, facts.host,
                              facts.holders.neighbours, deadline, Syscalls{});
    }
}

} // namespace portguard
