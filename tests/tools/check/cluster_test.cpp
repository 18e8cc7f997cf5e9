// Ports of Kubernetes: what its components were told, as values.
#include <gtest/gtest.h>

#include "tools/check/cluster.h"
#include "tools/check/config_field.h"
#include "tools/check/facts_of.h"
#include "tools/support/command.h"

namespace portguard::test {
namespace {

using tools::ClusterComponent;
using tools::ClusterPort;
using tools::HostFacts;

ClusterComponent component(const char* program, Words argv, std::string config = "") {
    argv.insert(argv.begin(), program);
    ClusterComponent result{100, {}, program, std::move(argv), "", std::move(config)};
    result.config_path = tools::cluster_config_path(result.argv);
    return result;
}

/// "kubelet 10250 default, ...", of a component alone.
std::string ports_in_words(const ClusterComponent& only) {
    constexpr const char* sources[] = {"default", "argument", "file"};
    std::string words;
    for (const ClusterPort& port : tools::ports_of({only})) {
        words += (words.empty() ? "" : ", ") + std::string(port.name) + " " + std::to_string(port.ports.low) +
                 (port.ports.size() > 1 ? "-" + std::to_string(port.ports.high) : "") + " " +
                 sources[static_cast<int>(port.source)];
    }
    return words;
}

TEST(Cluster, ReadsEachFormOfANodePortRange) {
    const auto range = [](const Words& argv) {
        return ports_in_words(component("kube-apiserver", argv)).substr(20);
    };
    EXPECT_EQ(range({"--service-node-port-range=20000-22767"}),
              "20000-22767 argument, Kubernetes' API 6443 default");
    EXPECT_EQ(range({"--service-node-port-range", "20000+10", "--secure-port=0"}), "20000-20010 argument");
    EXPECT_EQ(range({"--service-node-port-range=20000", "--secure-port=443"}),
              "20000 argument, Kubernetes' API 443 argument");
    EXPECT_EQ(range({"--service-node-port-range=1-2", "--service-node-port-range=3-4", "--secure-port=0"}),
              "3-4 argument");
    EXPECT_EQ(range({"--secure-port=0"}), "30000-32767 default");
    EXPECT_EQ(ports_in_words(component("cilium-agent", {"--node-port-range=30000,31000"})),
              "Cilium's NodePort 30000-31000 argument");
    EXPECT_EQ(ports_in_words(component("cilium-agent", {})), "");
}

TEST(Cluster, TakesTheDefaultForARangeThatIsNone) {
    for (const char* const bad : {"", "x", "9-1", "70000-70001", "1-2-3", "1+65535", "-5"}) {
        const auto ports = tools::ports_of({component("kube-apiserver", {"--service-node-port-range", bad})});
        EXPECT_EQ(ports.front().ports, (PortRange{30000, 32767})) << bad;
        EXPECT_TRUE(ports.front().is_doubtful) << bad;
    }
}

TEST(Cluster, OfKubeletTheFlagCountsBeforeTheFileAndTheFileBeforeTheDefault) {
    const std::string file = "kind: KubeletConfiguration\nport: 20250 # moved\nauthentication:\n  "
                             "healthzPort: 1\nreadOnlyPort: 0\n";
    EXPECT_EQ(ports_in_words(component("kubelet", {"--config=/k"}, file)),
              "Kubernetes NodePort 30000-32767 default, kubelet 20250 file, kubelet's health 10248 default");
    EXPECT_EQ(
        ports_in_words(component("kubelet", {"--config=/k", "--port=30250", "--healthz-port", "0"}, file)),
        "Kubernetes NodePort 30000-32767 default, kubelet 30250 argument");
    EXPECT_EQ(
        ports_in_words(component("kubelet", {})),
        "Kubernetes NodePort 30000-32767 default, kubelet 10250 default, kubelet's health 10248 default, "
        "kubelet's read-only port 10255 default");
}

TEST(Cluster, OfKubeProxyAndEtcdTheFileCountsBeforeTheFlag) {
    EXPECT_EQ(ports_in_words(component("kube-proxy", {"--config=/p", "--healthz-bind-address=0.0.0.0:1"},
                                       "healthzBindAddress: \"[::]:20256\"\nmetricsBindAddress: ''\n")),
              "Kubernetes NodePort 30000-32767 default, kube-proxy's health 20256 file, kube-proxy's metrics "
              "10249 default");
    EXPECT_EQ(ports_in_words(
                  component("etcd", {"--listen-client-urls=https://127.0.0.1:2379,https://[::1]:3379/"})),
              "etcd's clients 2379 argument, etcd's clients 3379 argument, etcd's peers 2380 default");
}

TEST(Cluster, ReadsAFileOfJsonToo) {
    const char* const json =
        R"({"port": 7, "nested": {"healthzPort": 8}, "address": "a:9", "list": [1], "none": null})";
    EXPECT_EQ(tools::config_field(json, "port"), "7");
    EXPECT_EQ(tools::config_field(json, "address"), "a:9");
    for (const char* const field : {"healthzPort", "list", "none", "absent"}) {
        EXPECT_EQ(tools::config_field(json, field), std::nullopt) << field;
    }
    EXPECT_EQ(tools::config_field("{\"port\": 7", "port"), std::nullopt) << "it ends too early";
}

TEST(Cluster, AnotherProgramHasNoPartInIt) {
    for (const char* const comm : {"", "kube", "kube-controlle", "etcdctl", "kubectl", "sh"}) {
        EXPECT_EQ(tools::cluster_program(comm), "") << comm;
    }
    EXPECT_EQ(tools::cluster_program("kube-controller"), "kube-controller-manager");
    EXPECT_TRUE(tools::ports_of({}).empty());
}

TEST(Cluster, APortThatIsListenedOnOrReservedIsNotFoundTwice) {
    HostFacts facts = facts_of({tcp(SocketState::listen, 40250)});
    facts.cluster = tools::ports_of({component("kubelet", {"--port=40250", "--healthz-port=40248"})});
    auto findings = found(facts, "cluster-port");
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].ports, "40248");
    EXPECT_NE(findings[0].what.find("(--healthz-port of kubelet[100]), and the kernel gives it to"),
              std::string::npos);
    facts.settings.ports.reserved = port_set("40248");
    EXPECT_TRUE(found(facts, "cluster-port").empty());
}

TEST(Cluster, AnotherRangeThatIsNamedLeavesTheNodePortsOut) {
    HostFacts facts = facts_of({tcp(SocketState::listen, 10250, 1)});
    facts.settings.ports.range = {1024, 60999};
    facts.cluster = tools::ports_of({component("kubelet", {"--read-only-port=0"})});
    const auto findings = found(facts, "listener-in-ephemeral-range");
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_NE(findings[0].fix.find("ip_local_port_range=\"32768 60999\""), std::string::npos)
        << findings[0].fix;
}

TEST(Cluster, APortOfTheNodeThatAnotherProgramListensOnIsFoundWithWhoWantsIt) {
    HostFacts facts = facts_of({tcp(SocketState::listen, 10250, 1), tcp(SocketState::listen, 2703, 2),
                                tcp(SocketState::listen, 10248, 3)});
    give_owner(facts, 1, 7, "containerd");
    give_owner(facts, 2, 7, "containerd");
    give_owner(facts, 3, 8, "kubelet");
    EXPECT_TRUE(found(facts, "node-port-taken").empty()) << "no cluster, no add-ons";
    facts.settings.ports.range = {1024, 60999};
    facts.cluster = tools::ports_of({component("kubelet", {"--read-only-port=0"})});
    const auto findings = found(facts, "node-port-taken");
    ASSERT_EQ(findings.size(), 2U);
    EXPECT_EQ(findings[0].what,
              "containerd[7] listens on port 10250, which kubelet takes (the default; kubelet[100] has no "
              "--port).");
    EXPECT_EQ(findings[1].what, "containerd[7] listens on port 2703, a default of EKS Pod Identity Agent.");
    EXPECT_EQ(findings[1].cured_as->port, 2703);
    EXPECT_NE(findings[1].fix.find("2703"), std::string::npos) << findings[1].fix;
}

TEST(Cluster, AConnectionOnANodePortIsFoundWithTheRangeThatCuresIt) {
    DiagSocket connection = tcp(SocketState::established, 32800, 1);
    connection.local = endpoint("10.0.0.2", 32800);
    connection.remote = endpoint("10.0.0.1", 6443);
    DiagSocket local = tcp(SocketState::established, 32801, 2);
    HostFacts facts = facts_of({connection, local});
    give_owner(facts, 1, 7, "kubelet");
    EXPECT_TRUE(found(facts, "outgoing-in-node-port-range").empty()) << "no cluster, no NodePorts";
    facts.cluster = tools::ports_of({component("kube-apiserver", {"--service-node-port-range=30000-33000"})});
    const auto findings = found(facts, "outgoing-in-node-port-range");
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].ports, "32800") << "what stays on the loopback interface meets no NodePort";
    EXPECT_EQ(findings[0].pids, std::vector<pid_t>{7});
    EXPECT_NE(findings[0].fix.find("ip_local_reserved_ports=32768-33000\n"), std::string::npos)
        << findings[0].fix;
}

} // namespace
} // namespace portguard::test
