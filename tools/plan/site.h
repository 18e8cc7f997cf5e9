// The plan put into force on this host, and taken back: two sysctls, and the file that sets them at boot and
// knows what was there before.
#pragma once

#include <string>
#include <vector>

#include "tools/check/host_facts.h"
#include "tools/plan/proposal.h"

namespace portguard::tools {

inline constexpr std::string_view default_plan_file = "/etc/sysctl.d/60-portguard.conf";

enum class Extent : std::uint8_t { all, dry_run };

/// What --apply or --revert did; with Extent::dry_run, what it would have done.
struct PlanChange {
    struct Value {
        std::string name;
        std::string from;
        std::string to;
    };
    bool reverts = false;
    Extent extent = Extent::all;
    std::string file;
    /// The file is written, or removed.
    bool changes_file = false;
    std::vector<Value> values = {};

    [[nodiscard]] bool changes() const;
};

/// "net.ipv4.ip_local_port_range = 1024 39999" and, where more is to be reserved than is, the line for that
/// before it: the range must not be open before. Never an empty assignment, which would drop the reservations
/// of others. Throws Refusal where those cannot be known.
std::string sysctl_lines(const Proposal& proposal);

/// What an earlier plan has reserved is no reservation of others: a port that the next one leaves out would
/// stay reserved for ever.
void leave_out_own_reservations(HostPorts& ports, const std::string& file);

/// Writes the file, then the settings, and reads them back; what is so already is left as it is. Throws
/// Refusal, and leaves everything as it was, or names what is not.
PlanChange apply_plan(const Proposal& proposal, const std::string& file, Extent extent);

/// Sets what `file` says was there before, reads it back and removes the file. Throws Refusal where a setting
/// has neither that value nor the plan's: it was changed since.
PlanChange revert_plan(const std::string& file, Extent extent);

/// For people.
std::string text_report(const PlanChange& change);
std::string json_report(const PlanChange& change);

} // namespace portguard::tools
