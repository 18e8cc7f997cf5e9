#include "tools/map/port_map.h"

#include <algorithm>
#include <map>
#include <utility>

#include "tools/common/output.h"
#include "tools/common/port_text.h"

namespace portguard::tools {
namespace {

/// What a port is used for by `fact`. A connection that came in has its listener's port and is no use of its
/// own.
Use use_of(const SocketFact& fact) {
    if (fact.socket.protocol == Protocol::udp) {
        return Use::udp;
    }
    switch (fact.role) {
    case Role::listener:
    case Role::accepted:
    case Role::left_over: return Use::listener;
    case Role::bound: return Use::bound;
    case Role::outgoing: break;
    }
    return fact.socket.state == SocketState::time_wait ? Use::time_wait : Use::outgoing;
}

void count(const SocketFact& fact, SocketTotals& totals) {
    const bool is_tcp = fact.socket.protocol != Protocol::udp;
    if (is_tcp && fact.socket.state == SocketState::time_wait) {
        ++totals.uses[static_cast<std::size_t>(Use::time_wait)];
    } else if (is_tcp && came_in(fact.role)) {
        ++totals.incoming;
    } else {
        ++totals.uses[static_cast<std::size_t>(use_of(fact))];
    }
}

std::vector<CollisionGroup> collisions_of(const HostFacts& facts, const PortPlan& plan) {
    std::vector<CollisionGroup> collisions;
    for (const Collision collision : {Collision::outgoing_in_listen, Collision::listener_in_kernel_range,
                                      Collision::listener_in_planned_range, Collision::left_over_in_listen,
                                      Collision::time_wait_in_listen}) {
        for (Group& group : grouped(facts, [&](const SocketFact& fact) {
                 return collision_of(fact, facts.settings.ports, plan) == collision;
             })) {
            collisions.push_back({collision, std::move(group)});
        }
    }
    return collisions;
}

std::string program_of(const HostFacts& facts, const PortUse& use) {
    for (const DiagSocket* const socket : use.sockets) {
        const auto owners = facts.owners_of(*socket);
        const auto process =
            owners.empty() ? facts.processes.end() : facts.processes.find(owners.front().pid);
        if (process != facts.processes.end()) {
            return process->second.comm;
        }
    }
    return {};
}

/// A UDP socket on a port that the kernel chose is a client, and there are many.
bool is_worth_a_name(const PortMap& map, const PortUse& use) {
    const bool is_udp_server = use.use == Use::udp && !map.facts->settings.ports.gives(use.port) &&
                               use.sockets.front()->state == SocketState::unconnected;
    return use.use == Use::listener || is_udp_server || use.collision != Collision::none;
}

bool continues(const Label& label, const PortUse& use, const std::string& program) {
    return label.ports.high + 1U == use.port && label.use == use.use && label.collision == use.collision &&
           label.program == program;
}

} // namespace

PortMap map_ports(const HostFacts& facts, const PortPlan& plan) {
    PortMap map{&facts, plan, {}, {}, collisions_of(facts, plan)};
    std::map<std::pair<std::uint16_t, Use>, PortUse> uses;
    for (const SocketFact& fact : facts.sockets) {
        if (fact.socket.local.port == 0) {
            continue;
        }
        count(fact, map.totals);
        const auto key = std::pair(fact.socket.local.port, use_of(fact));
        PortUse& use = uses.try_emplace(key, PortUse{key.first, key.second}).first->second;
        use.collision = std::max(use.collision, collision_of(fact, facts.settings.ports, plan));
        // Whoever listens is told before whoever came in.
        use.sockets.insert(fact.role == Role::listener ? use.sockets.begin() : use.sockets.end(),
                           &fact.socket);
    }
    for (auto& [key, use] : uses) {
        map.uses.push_back(std::move(use));
    }
    return map;
}

std::string describe(const PortMap& map, const CollisionGroup& collision) {
    const std::size_t count = collision.group.sockets;
    switch (collision.collision) {
    case Collision::listener_in_kernel_range:
        return "listens inside ephemeral " + text_of(map.facts->settings.ports.range);
    case Collision::listener_in_planned_range:
        return "listens inside ephemeral " + text_of(map.plan.ephemeral);
    case Collision::outgoing_in_listen: return counted(count, "outgoing connection") + " inside listen";
    case Collision::left_over_in_listen: return counted(count, "left-over connection") + " inside listen";
    case Collision::time_wait_in_listen: return counted(count, "connection") + " in TIME_WAIT inside listen";
    case Collision::none: break;
    }
    return {};
}

std::vector<Label> labels_of(const PortMap& map) {
    std::vector<Label> labels;
    for (const PortUse& use : map.uses) {
        if (!is_worth_a_name(map, use)) {
            continue;
        }
        std::string program = program_of(*map.facts, use);
        if (!labels.empty() && continues(labels.back(), use, program)) {
            labels.back().ports.high = use.port;
        } else {
            labels.push_back({{use.port, use.port}, std::move(program), use.use, use.collision});
        }
    }
    return labels;
}

std::string text_of(const Label& label) {
    const bool is_one = label.ports.low == label.ports.high;
    std::string text = is_one ? std::to_string(label.ports.low) : text_of(label.ports);
    text += label.use == Use::udp ? "/udp" : "";
    return label.program.empty() ? text : text + " " + shown(label.program);
}

} // namespace portguard::tools
