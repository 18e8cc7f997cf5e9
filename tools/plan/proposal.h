// What `portguard plan` has found out and proposes.
#pragma once

#include <cstdint>
#include <optional>
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
    bool is_of_list = false;
};

struct Proposal {
    std::vector<Pin> pins;
    /// All pinned ports.
    PortSet listen;
    /// TCP alone: what a rule about TCP allows.
    PortSet tcp;
    Split split;
    /// The range as it is, with the pinned ports reserved inside it; null: none is inside.
    std::optional<Split> alternative;
    /// That is what was asked for, and `split` is it.
    bool keeps_range = false;
    /// Outgoing TCP connections of now, TIME_WAIT among them.
    std::size_t connections = 0;
    /// What is on this host now.
    HostPorts host;
    std::vector<std::string> missing;
};

struct PlanWish {
    /// The smallest range worth having.
    std::uint32_t least = 0;
    /// The range stays as it is, and single ports are reserved.
    bool keep_range = false;
    /// The ports that are listened on now do not count: the same plan each time.
    bool only_declared = false;
};
Proposal propose(const HostFacts& facts, const std::vector<NamedPort>& list, const Config& config,
                 const PlanWish& wish);

/// More connections than half of the ports.
bool is_tight(const Proposal& proposal);
/// Nothing is to be reserved that is not.
bool has_same_reserved(const Proposal& proposal);
/// The kernel has the range and the reservations already.
bool is_in_force(const Proposal& proposal);

/// To paste, each the whole of it.
struct PlanCommands {
    std::string apply;
    std::string revert;
    std::string reserve;
};
std::string text_report(const Proposal& proposal, const std::vector<Duplicate>& duplicates,
                        const PlanCommands& lines);
std::string json_report(const Proposal& proposal, const std::vector<Duplicate>& duplicates);

} // namespace portguard::tools
