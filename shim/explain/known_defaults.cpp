#include "explain/known_defaults.h"

#include <array>

namespace portguard {
namespace {

constexpr std::array<KnownDefault, 20> table{{
    {"Kubernetes NodePort",
     "kubelet",
     {30000, 32767},
     0,
     "kube-proxy serves it by packet filter, without a socket that would keep others off",
     "https://kubernetes.io/docs/reference/networking/virtual-ips/"},
    {"EKS Pod Identity Agent",
     "eks-pod-identit",
     {2703, 2703},
     0,
     "its health check, on the node's own network",
     "https://github.com/awslabs/amazon-eks-ami/pull/2650",
     true},
    {"Amazon EBS and EFS drivers",
     "livenessprobe",
     {9808, 9809},
     0,
     "their health checks, on the node's own network",
     "https://github.com/awslabs/amazon-eks-ami/pull/2650",
     true},
    {"CoreDNS metrics", "coredns", {9153, 9153}, 0, "beside port 53", "https://coredns.io/plugins/metrics/"},
    {"Amazon VPC CNI",
     "aws-k8s-agent",
     {61678, 61679},
     0,
     "metrics and introspection, on the node's own network",
     "https://github.com/awslabs/amazon-eks-ami/pull/2650",
     true},
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
    {"Nomad dynamic ports",
     "nomad",
     {20000, 32000},
     0,
     "given to tasks, which bind them some time after",
     "https://developer.hashicorp.com/nomad/docs/configuration/client"},
    {"Erlang port mapper",
     "epmd",
     {4369, 4369},
     0,
     "started with the first node; the nodes themselves take ports from the kernel's range",
     "https://www.erlang.org/doc/apps/erts/epmd_cmd.html"},
    {"Ray workers",
     "raylet",
     {10002, 19999},
     0,
     "one port per worker process",
     "https://docs.ray.io/en/latest/ray-core/configure.html"},
    {"PyTorch rendezvous",
     "torchrun",
     {29500, 29500},
     0,
     "the default of MASTER_PORT and of torchrun",
     "https://pytorch.org/docs/stable/elastic/run.html"},
    {"NFS server",
     "nfsd",
     {2049, 2049},
     0,
     "held by the kernel and by no process",
     "https://www.rfc-editor.org/rfc/rfc7530"},
    {"NFS mountd",
     "rpc.mountd",
     {20048, 20048},
     0,
     "the port that /etc/services names; without it rpc.mountd takes any",
     "https://www.iana.org/assignments/service-names-port-numbers"},
    {"X11 displays",
     "Xorg",
     {6000, 6063},
     0,
     "6000 plus the display number; sshd forwards from 6010 on",
     "https://man.openbsd.org/sshd_config#X11DisplayOffset"},
}};

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

} // namespace

std::span<const KnownDefault> known_defaults() {
    return table;
}

PortSet known_default_ports() {
    PortSet ports;
    for (const KnownDefault& entry : table) {
        if (!entry.ports.empty()) {
            ports.insert(entry.ports);
        }
    }
    for (const std::uint16_t port : usual_server_ports) {
        ports.insert({port, port});
    }
    return ports;
}

} // namespace portguard
