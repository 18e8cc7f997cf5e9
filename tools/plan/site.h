// The plan put into force on this host, and taken back: two sysctls, and the file of sysctl.d(5) that sets
// them at boot and knows what was there before.
#pragma once

#include <string>

#include "tools/plan/proposal.h"

namespace portguard::tools {

inline constexpr std::string_view default_plan_file = "/etc/sysctl.d/60-portguard.conf";

/// "net.ipv4.ip_local_port_range = 1024 39999" and, where more is to be reserved than is, the line for that
/// before it: the range must not be open before. Never an empty assignment, which would drop the reservations
/// of others. Throws Refusal where those cannot be known.
std::string sysctl_lines(const Proposal& proposal);

/// Writes the file, then the settings, and reads them back. Returns what to print. Throws Refusal, and leaves
/// everything as it was.
std::string apply_plan(const Proposal& proposal, const std::string& file);

/// Sets what `file` says was there before, reads it back and removes the file. Throws Refusal where a setting
/// has neither that value nor the plan's: somebody else has changed it since.
std::string revert_plan(const std::string& file);

} // namespace portguard::tools
