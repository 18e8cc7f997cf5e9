// The findings of `portguard check`: each a pure function of facts and plan.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"
#include "tools/check/host_facts.h"

namespace portguard::tools {

/// Notes are worth knowing and no reason to act: they leave the exit status at 0.
enum class Severity : std::uint8_t { note, warning, error };
std::string_view severity_name(Severity severity);

/// A port that `portguard who` is asked about.
struct AskedAbout {
    Protocol protocol = Protocol::tcp;
    std::uint16_t port = 0;
};

struct Finding {
    /// Stable, for scripts.
    std::string_view id;
    Severity severity = Severity::note;
    /// One sentence each, with its full stop.
    std::string what;
    std::string why;
    /// Commands to paste, a line each; empty: nothing need be done. Lines that begin with '#' tell another
    /// way.
    std::string fix = {};
    /// As --listen has them; empty where it is not about certain ports.
    std::string ports = {};
    std::vector<pid_t> pids = {};
    /// Ports that net.ipv4.ip_local_reserved_ports shall hold. find_all makes one command for all of them,
    /// since a list that is set replaces the one before.
    PortSet reserve = {};
    /// Whose cures belong into `fix`: add_cures() asks for them, so that two commands say one thing.
    std::optional<AskedAbout> cured_as = {};
};

/// What the host is measured against.
struct PortPlan {
    /// Where none was given, the ports that TCP listens on now.
    PortSet listen;
    bool listen_given = false;
    /// Where none was given, net.ipv4.ip_local_port_range.
    PortRange ephemeral;
    bool ephemeral_given = false;
};

PortPlan plan_for(const Config& config, const HostFacts& facts);

/// Errors first, then in the order of the checks.
std::vector<Finding> find_all(const HostFacts& facts, const PortPlan& plan);

using Check = void (*)(const HostFacts& facts, const PortPlan& plan, std::vector<Finding>& findings);
std::span<const Check> checks_of_sockets();
std::span<const Check> checks_of_connections();
std::span<const Check> checks_of_servers();
std::span<const Check> checks_of_time_wait();
std::span<const Check> checks_of_settings();
std::span<const Check> checks_of_sharing();
std::span<const Check> checks_of_cluster();
std::span<const Check> checks_of_pods();
std::span<const Check> checks_of_known_defaults();

} // namespace portguard::tools
