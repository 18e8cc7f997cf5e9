#include <algorithm>
#include <array>
#include <set>

#include "explain/known_defaults.h"
#include "tools/check/finding.h"
#include "tools/check/groups.h"
#include "tools/common/port_text.h"

namespace portguard::tools {
namespace {

/// The ports of `entry` on this host; `is_here` tells whether its program listens.
std::set<std::uint16_t> ports_of(const KnownDefault& entry, const HostFacts& facts, bool& is_here) {
    std::set<std::uint16_t> ports;
    for (std::uint32_t port = entry.ports.low; port <= entry.ports.high && !entry.ports.empty(); ++port) {
        ports.insert(static_cast<std::uint16_t>(port));
    }
    for (const SocketFact& fact : facts.sockets) {
        if (fact.socket.state != SocketState::listen) {
            continue;
        }
        for (const FdOwner& owner : facts.owners_of(fact.socket)) {
            const auto process = facts.processes.find(owner.pid);
            if (process == facts.processes.end() || process->second.comm != entry.program) {
                continue;
            }
            is_here = true;
            const std::uint32_t related = fact.socket.local.port + std::uint32_t{entry.offset};
            if (entry.offset != 0 && related <= 65535) {
                ports.insert(static_cast<std::uint16_t>(related));
            }
        }
    }
    return ports;
}

std::string ports_text(const KnownDefault& entry, const std::set<std::uint16_t>& ports) {
    return entry.ports.empty() ? text_of(ports) : text_of(entry.ports);
}

/// In the kernel's range, where a host has the program: a collision to come. Elsewhere: one note for all.
void known_defaults_in_range(const HostFacts& facts, const PortPlan&, std::vector<Finding>& findings) {
    PortSet possible;
    std::string names;
    for (const KnownDefault& entry : known_defaults()) {
        // Its components say more than their default.
        if (entry.program == "kubelet" && !facts.cluster.empty()) {
            continue;
        }
        bool is_here = false;
        std::set<std::uint16_t> ports = ports_of(entry, facts, is_here);
        std::erase_if(ports, [&](std::uint16_t port) { return !facts.settings.ports.gives(port); });
        if (ports.empty()) {
            continue;
        }
        if (!is_here) {
            names.append(names.empty() ? "" : ", ").append(entry.name);
            names.append(" ").append(ports_text(entry, ports));
            for (const std::uint16_t port : ports) {
                possible.insert({port, port});
            }
            continue;
        }
        findings.push_back({"known-default",
                            Severity::warning,
                            std::string(entry.name) + " takes " + ports_text(entry, ports) + ", inside " +
                                text_of(facts.settings.ports.range) + ", and this host runs " +
                                std::string(entry.program) + ".",
                            "Not seen before it is needed: " + std::string(entry.remark) +
                                ". Source: " + std::string(entry.source) + ".",
                            "",
                            text_of(ports),
                            {},
                            set_of(ports)});
    }
    if (!possible.empty()) {
        findings.push_back({"known-default-possible",
                            Severity::note,
                            "Default ports inside " + text_of(facts.settings.ports.range) +
                                ", should the software ever run here: " + names + ".",
                            "Nothing of it listens now. Reserve those that are planned for.",
                            "",
                            text_of(possible),
                            {}});
    }
}

constexpr std::array<Check, 1> checks{known_defaults_in_range};

} // namespace

std::span<const Check> checks_of_known_defaults() {
    return checks;
}

} // namespace portguard::tools
