// Ports that the components of Kubernetes on this host have, by their arguments and configuration files, as
// far as they run in the network namespace that is looked at.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "core/port_set.h"

namespace portguard::tools {

/// One that runs: what /proc shows of it.
struct ClusterComponent {
    pid_t pid = 0;
    /// Inode of its network namespace, where it may be read.
    std::optional<std::uint64_t> netns = {};
    /// As the table in cluster.cpp names it; the kernel keeps 15 characters of a process name.
    std::string program = {};
    std::vector<std::string> argv = {};
    /// Empty: it has none.
    std::string config_path = {};
    /// Its text; empty where it cannot be read.
    std::string config = {};
    /// Of --config-dir, in the order in which kubelet reads them: path and text.
    std::vector<std::pair<std::string, std::string>> drop_ins = {};
};

struct ClusterPort {
    enum class Source : std::uint8_t {
        /// No component that runs here says otherwise.
        standard,
        argument,
        file,
    };
    /// "Kubernetes NodePort", "kubelet's API".
    std::string_view name;
    PortRange ports;
    Source source = Source::standard;
    /// The component; 0: the one that decides does not run here.
    pid_t pid = 0;
    std::string_view program;
    /// "--service-node-port-range"; the file's path with its field.
    std::string where;
    /// No socket keeps others off these ports.
    bool is_node_ports = false;
    /// The component runs here, and what it was told could not be read.
    bool is_doubtful = false;
};

/// In the order of the table, each port once; empty: this host has no part in a cluster.
std::vector<ClusterPort> ports_of(const std::vector<ClusterComponent>& components);

/// "--service-node-port-range of kube-apiserver[123]", "the default; kube-apiserver does not run here".
std::string source_in_words(const ClusterPort& port);

/// The program that a process name stands for; empty: it is none of them.
std::string_view cluster_program(std::string_view comm);
/// The file that --config names.
std::string cluster_config_path(const std::vector<std::string>& argv);
/// The folder that --config-dir names, as of Amazon's nodes.
std::string cluster_config_folder(const std::vector<std::string>& argv);

/// Those of this pid namespace.
std::vector<ClusterComponent> find_cluster_components();

} // namespace portguard::tools
