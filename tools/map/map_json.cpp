#include "tools/map/port_map.h"

#include <algorithm>

#include "tools/check/json_parts.h"
#include "tools/common/json_output.h"
#include "tools/common/port_text.h"

namespace portguard::tools {
namespace {

constexpr std::string_view name_of(Use use) {
    switch (use) {
    case Use::listener: return "listener";
    case Use::bound: return "bound";
    case Use::udp: return "udp";
    case Use::outgoing: return "outgoing";
    case Use::time_wait: break;
    }
    return "time_wait";
}

Json collision_json(Collision collision) {
    return collision == Collision::none ? Json(nullptr) : Json(finding_id(collision));
}

Json json_of(const HostFacts& facts, const PortUse& use) {
    std::vector<pid_t> pids;
    Json states = Json::object();
    for (const DiagSocket* const socket : use.sockets) {
        for (const pid_t pid : pids_of(facts, *socket)) {
            if (std::find(pids.begin(), pids.end(), pid) == pids.end()) {
                pids.push_back(pid);
            }
        }
        Json& count = states[std::string(state_name(socket->state))];
        count = count.is_null() ? 1 : count.get<std::size_t>() + 1;
    }
    return {{"port", use.port},
            {"use", name_of(use.use)},
            {"states", std::move(states)},
            {"processes", json_of(facts, pids)},
            {"collision", collision_json(use.collision)}};
}

Json totals_of(const SocketTotals& totals) {
    Json counts = Json::object();
    for (const Use use : {Use::listener, Use::outgoing, Use::time_wait, Use::udp, Use::bound}) {
        counts[std::string(name_of(use))] = totals.of(use);
    }
    counts["incoming"] = totals.incoming;
    return counts;
}

} // namespace

std::string json_report(const PortMap& map) {
    const HostFacts& facts = *map.facts;
    Json ports = Json::array();
    for (const PortUse& use : map.uses) {
        ports.push_back(json_of(facts, use));
    }
    Json collisions = Json::array();
    for (const CollisionGroup& collision : map.collisions) {
        collisions.push_back({{"id", finding_id(collision.collision)},
                              {"ports", text_of(collision.group.ports)},
                              {"processes", json_of(facts, collision.group.pids)},
                              {"what", describe(map, collision)}});
    }
    return text_of(Json{{"schema", json_schema_version},
                        {"command", "map"},
                        {"netns", facts.netns},
                        {"plan", json_of(map.plan)},
                        {"host",
                         {{"ip_local_port_range", json_of(facts.settings.ports.range)},
                          {"ip_local_reserved_ports", text_of(facts.settings.ports.reserved)}}},
                        {"totals", totals_of(map.totals)},
                        {"ports", std::move(ports)},
                        {"collisions", std::move(collisions)},
                        {"missing", facts.missing}});
}

} // namespace portguard::tools
