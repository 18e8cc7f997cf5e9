// What `portguard plan` has found out and proposes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/config.h"
#include "tools/check/host_facts.h"
#include "tools/plan/port_list.h"
#include "tools/plan/split.h"

namespace portguard::tools {

/// A port that has to stay out of the range, and why.
struct Pin {
    std::string ports;
    /// "nginx[100] listens", "web (services.txt:3)", "--listen".
    std::string because;
};

struct Proposal {
    std::vector<Pin> pins;
    /// All pinned ports.
    PortSet listen;
    /// TCP alone: what a rule about TCP allows.
    PortSet tcp;
    Split split;
    /// What is on this host now.
    HostPorts host;
    std::vector<std::string> missing;
};

/// `least`: the smallest range worth having.
Proposal propose(const HostFacts& facts, const std::vector<NamedPort>& list, const Config& config,
                 std::uint32_t least);

std::string text_report(const Proposal& proposal, const std::vector<Duplicate>& duplicates,
                        const std::string& as_root);
std::string json_report(const Proposal& proposal, const std::vector<Duplicate>& duplicates);

} // namespace portguard::tools
