// The file of sysctl.d(5) that a plan in force has, with what was there before it as comments.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portguard::tools {

inline constexpr std::string_view range_setting = "net.ipv4.ip_local_port_range";
inline constexpr std::string_view reserved_setting = "net.ipv4.ip_local_reserved_ports";

/// A sysctl that the plan sets.
struct PlanSetting {
    std::string name;
    /// What --revert sets again.
    std::string before;
    std::string now;

    bool operator==(const PlanSetting&) const = default;
};

/// Null: there is no such file. Throws Refusal for one that --apply has not made.
std::optional<std::vector<PlanSetting>> read_plan_file(const std::string& path);

/// Whole or not at all. Throws Refusal.
void write_plan_file(const std::string& path, const std::vector<PlanSetting>& settings);

/// Throws Refusal.
void remove_plan_file(const std::string& path);

} // namespace portguard::tools
