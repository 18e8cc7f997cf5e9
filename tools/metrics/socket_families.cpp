#include <algorithm>
#include <map>
#include <tuple>

#include "explain/manager.h"
#include "tools/check/collision.h"
#include "tools/check/groups.h"
#include "tools/metrics/families.h"
#include "tools/who/listing.h"

namespace portguard::tools {
namespace {

/// Names are the programs' own choice: whoever starts many would else make as many series.
constexpr std::size_t most_listener_series = 100;

struct ListenerKey {
    Protocol protocol;
    std::string process;
    std::string unit;
    friend bool operator<(const ListenerKey& left, const ListenerKey& right) {
        return std::tie(left.protocol, left.process, left.unit) <
               std::tie(right.protocol, right.process, right.unit);
    }
};

class ListenerNames {
public:
    explicit ListenerNames(const HostFacts& facts) : facts_(facts) {}

    ListenerKey key_of(const DiagSocket& socket) {
        const auto owners = facts_.owners_of(socket);
        if (owners.empty()) {
            return {socket.protocol, socket.inode == 0 ? "(kernel)" : "(unseen)", ""};
        }
        const pid_t pid = owners.front().pid;
        const auto [unit, is_new] = units_.try_emplace(pid);
        if (is_new) {
            unit->second = unit_of(read_manager(pid));
        }
        const auto process = facts_.processes.find(pid);
        return {socket.protocol, process == facts_.processes.end() ? "(unseen)" : process->second.comm,
                unit->second};
    }

private:
    const HostFacts& facts_;
    std::map<pid_t, std::string> units_;
};

MetricFamily listeners(const HostFacts& facts) {
    MetricFamily family{
        "portguard_listeners", MetricType::gauge, "",
        "Sockets that listen (TCP) or are bound and not connected (UDP), by process and unit"};
    std::map<ListenerKey, std::size_t> counts;
    ListenerNames names(facts);
    for (const SocketFact& fact : facts.sockets) {
        if (fact.role == Role::listener) {
            ++counts[names.key_of(fact.socket)];
        }
    }
    std::vector<std::pair<std::size_t, const ListenerKey*>> busiest;
    busiest.reserve(counts.size());
    for (const auto& [key, count] : counts) {
        busiest.emplace_back(count, &key);
    }
    std::stable_sort(busiest.begin(), busiest.end(),
                     [](const auto& left, const auto& right) { return left.first > right.first; });
    std::map<Protocol, std::size_t> others;
    for (const auto& [count, key] : busiest) {
        if (family.samples.size() < most_listener_series) {
            family.samples.push_back({{{"protocol", std::string(protocol_name(key->protocol))},
                                       {"process", key->process},
                                       {"unit", key->unit}},
                                      static_cast<double>(count)});
        } else {
            others[key->protocol] += count;
        }
    }
    for (const auto& [protocol, count] : others) {
        family.samples.push_back(
            {{{"protocol", std::string(protocol_name(protocol))}, {"process", "(others)"}, {"unit", ""}},
             static_cast<double>(count)});
    }
    return family;
}

/// Held is what a listener or a bound socket has, as the finding plan-port-held counts.
MetricFamily plan_ports(const HostFacts& facts, const PortPlan& plan) {
    MetricFamily family{"portguard_plan_ports", MetricType::gauge, "",
                        "Ports of the plan's `listen`, held by a listener or a bound socket, and free"};
    if (!plan.listen_given) {
        return family;
    }
    PortSet held;
    for (const SocketFact& fact : facts.sockets) {
        const std::uint16_t port = fact.socket.local.port;
        if ((fact.role == Role::listener || fact.role == Role::bound) && plan.listen.contains(port)) {
            held.insert({port, port});
        }
    }
    constexpr PortRange all{1, 65535};
    const double count = held.count(all);
    family.samples.push_back({{{"state", "held"}}, count});
    family.samples.push_back({{{"state", "free"}}, plan.listen.count(all) - count});
    return family;
}

MetricFamily collisions(const HostFacts& facts, const PortPlan& plan) {
    MetricFamily family{
        "portguard_collision_ports", MetricType::gauge, "",
        "Ports where a socket is on the other side of the split, by the id of `portguard check`"};
    std::map<std::string_view, PortSet> ports;
    for (const Collision collision :
         {Collision::listener_in_kernel_range, Collision::listener_in_planned_range,
          Collision::outgoing_in_listen, Collision::left_over_in_listen, Collision::time_wait_in_listen}) {
        ports[finding_id(collision)];
    }
    for (const SocketFact& fact : facts.sockets) {
        const Collision collision = collision_of(fact, facts.settings.ports, plan);
        if (collision != Collision::none) {
            ports[finding_id(collision)].insert({fact.socket.local.port, fact.socket.local.port});
        }
    }
    for (const auto& [id, set] : ports) {
        family.samples.push_back({{{"id", std::string(id)}}, static_cast<double>(set.count({1, 65535}))});
    }
    return family;
}

MetricFamily findings(const HostFacts& facts, const PortPlan& plan) {
    MetricFamily family{"portguard_findings", MetricType::gauge, "",
                        "Findings of `portguard check`, without those that need a look into programs"};
    std::map<std::pair<std::string_view, Severity>, std::size_t> counts;
    for (const Finding& finding : find_all(facts, plan)) {
        ++counts[{finding.id, finding.severity}];
    }
    for (const auto& [key, count] : counts) {
        family.samples.push_back(
            {{{"id", std::string(key.first)}, {"severity", std::string(severity_name(key.second))}},
             static_cast<double>(count)});
    }
    return family;
}

} // namespace

void add_socket_families(const HostFacts& facts, const PortPlan& plan, std::vector<MetricFamily>& families) {
    families.push_back(listeners(facts));
    families.push_back(plan_ports(facts, plan));
    families.push_back(collisions(facts, plan));
    families.push_back(findings(facts, plan));
    families.push_back({"portguard_missing_facts",
                        MetricType::gauge,
                        "",
                        "Things that could not be seen, as `portguard check` names them at its end",
                        {{{}, static_cast<double>(facts.missing.size())}}});
}

} // namespace portguard::tools
