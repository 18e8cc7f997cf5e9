#include "tools/check/known_defaults.h"

#include <algorithm>
#include <array>
#include <set>

#include "tools/check/finding.h"
#include "tools/check/groups.h"
#include "tools/common/port_text.h"

namespace portguard::tools {
namespace {

constexpr std::array<KnownDefault, 9> table{{
    {"Kubernetes NodePort",
     "kubelet",
     {30000, 32767},
     0,
     "kube-proxy serves it by packet filter, without a socket that would keep others off",
     "https://kubernetes.io/docs/reference/networking/virtual-ips/"},
    {"Redis cluster bus",
     "redis-server",
     {},
     10000,
     "the data port plus 10000, opened in cluster mode",
     "https://redis.io/docs/latest/operate/oss_and_stack/management/scaling/"},
    {"Valkey cluster bus",
     "valkey-server",
     {},
     10000,
     "the data port plus 10000, opened in cluster mode",
     "https://valkey.io/topics/cluster-tutorial/"},
    {"RabbitMQ between nodes",
     "beam.smp",
     {25672, 25672},
     0,
     "the AMQP port plus 20000",
     "https://www.rabbitmq.com/docs/networking"},
    {"RabbitMQ command line tools",
     "beam.smp",
     {35672, 35682},
     0,
     "opened by rabbitmqctl while it runs",
     "https://www.rabbitmq.com/docs/networking"},
    {"MySQL X Protocol",
     "mysqld",
     {33060, 33060},
     0,
     "ten times the classic port, on by default since 8.0",
     "https://dev.mysql.com/doc/mysql-port-reference/en/mysql-port-reference-tables.html"},
    {"libvirt migration",
     "libvirtd",
     {49152, 49215},
     0,
     "opened while a guest moves",
     "https://libvirt.org/migration.html"},
    {"GlusterFS bricks",
     "glusterd",
     {49152, 60999},
     0,
     "one port a brick",
     "https://github.com/gluster/glusterfs/blob/devel/extras/firewalld/glusterfs.xml"},
    {"WireGuard",
     "wg",
     {51820, 51820},
     0,
     "UDP, held by the kernel and by no process",
     "https://www.wireguard.com/quickstart/"},
}};

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
    for (const KnownDefault& entry : table) {
        bool is_here = false;
        std::set<std::uint16_t> ports = ports_of(entry, facts, is_here);
        std::erase_if(ports, [&](std::uint16_t port) { return !is_automatic(facts.settings.ports, port); });
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

std::span<const KnownDefault> known_defaults() {
    return table;
}

std::span<const Check> checks_of_known_defaults() {
    return checks;
}

} // namespace portguard::tools
