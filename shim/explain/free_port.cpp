#include "explain/free_port.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <sys/socket.h>

#include "explain/known_defaults.h"
#include "kernel/sock_diag.h"

namespace portguard {
namespace {

constexpr std::size_t most_candidates = 64;

/// Ports that a host is likely to need for the software of that name sooner or later
/// (https://www.iana.org/assignments/service-names-port-numbers, and the manuals of those that are not in
/// it).
constexpr std::array<std::uint16_t, 38> usual_server_ports{
    1080,  // SOCKS
    1194,  // OpenVPN
    1433,  // SQL Server
    1521,  // Oracle
    1883,  // MQTT
    2181,  // ZooKeeper
    2375,  // Docker
    2376,  // Docker, TLS
    2379,  // etcd clients
    2380,  // etcd peers
    3000,  // Grafana
    3128,  // Squid
    3306,  // MySQL
    3389,  // RDP
    4222,  // NATS
    5060,  // SIP
    5353,  // mDNS
    5432,  // PostgreSQL
    5672,  // AMQP
    5900,  // VNC
    6379,  // Redis
    6443,  // Kubernetes
    8080,  // HTTP, alternative
    8443,  // HTTPS, alternative
    8500,  // Consul
    8600,  // Consul, DNS
    8883,  // MQTT, TLS
    9000,  // PHP-FPM
    9042,  // Cassandra
    9090,  // Prometheus
    9092,  // Kafka
    9093,  // Alertmanager
    9100,  // node_exporter
    9200,  // Elasticsearch
    9300,  // Elasticsearch nodes
    10250, // kubelet
    11211, // memcached
    27017, // MongoDB
};

bool is_default_port(std::uint16_t port) {
    const auto defaults = known_defaults();
    return std::find(usual_server_ports.begin(), usual_server_ports.end(), port) !=
               usual_server_ports.end() ||
           std::any_of(defaults.begin(), defaults.end(),
                       [port](const KnownDefault& entry) { return entry.ports.contains(port); });
}

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
        const bool may_be_had = is_planned_ ? listen_.contains(port)
                                            : !host_.range.contains(port) || host_.reserved.contains(port);
        return may_be_had && !is_default_port(port);
    }

private:
    const PortSet& listen_;
    bool is_planned_;
    const HostPorts& host_;
    std::uint16_t lowest_ = 1;
};

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
                                const HostSettings& host, const Deadline& deadline,
                                const Syscalls& syscalls) {
    const std::vector<std::uint16_t> ports = ports_beside(asked, listen, host);
    if (ports.empty()) {
        return 0;
    }
    const auto [lowest, highest] = std::minmax_element(ports.begin(), ports.end());
    std::vector<DiagSocket> sockets;
    for (const int family : {AF_INET, AF_INET6}) {
        const int error = dump_sockets(family, protocol, PortRange{*lowest, *highest}, diag_all, deadline,
                                       syscalls, sockets)
                              .error;
        // Without IPv6 in the kernel there is nothing to ask.
        if (error != 0 && !(family == AF_INET6 && error == ENOENT)) {
            return 0;
        }
    }
    PortSet taken;
    for (const DiagSocket& socket : sockets) {
        taken.insert({socket.local.port, socket.local.port});
    }
    const auto free =
        std::find_if(ports.begin(), ports.end(), [&](std::uint16_t port) { return !taken.contains(port); });
    return free == ports.end() ? std::uint16_t{0} : *free;
}

} // namespace portguard
