#include "tools/plan/site.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "core/text.h"
#include "tools/common/port_text.h"
#include "tools/common/refusal.h"
#include "tools/plan/plan_file.h"

namespace portguard::tools {
namespace {

using Settings = std::vector<PlanSetting>;
using Value = PlanChange::Value;

std::string path_of(const std::string& name) {
    constexpr std::string_view prefix = "net.ipv4.";
    return "/proc/sys/net/ipv4/" + name.substr(prefix.size());
}

/// With single blanks, as sysctl(8) shows it.
std::optional<std::string> read_setting(std::string_view name) {
    std::ifstream file(path_of(std::string(name)));
    std::string text;
    for (std::string word; file >> word;) {
        text += (text.empty() ? "" : " ") + word;
    }
    return file.bad() || !file.eof() ? std::nullopt : std::optional(text);
}

/// 0, or an errno. An empty value is a line without one: a write of nothing would change nothing.
int write_setting(const std::string& name, const std::string& value) {
    const int fd = ::open(path_of(name).c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    const std::string line = value + "\n";
    const ssize_t count = ::write(fd, line.data(), line.size());
    const int error = count < 0 ? errno : 0;
    ::close(fd);
    return error;
}

std::string set_command(const std::string& name, const std::string& value) {
    return "sysctl -w " + name + "=\"" + value + "\"";
}

/// Sets it and reads it back; empty: it holds.
std::string obstacle_to(const std::string& name, const std::string& value) {
    const int error = write_setting(name, value);
    if (error != 0) {
        return name + " = " + value + ": " + std::strerror(error) +
               (error == EACCES || error == EPERM ? " (works as root)" : "");
    }
    const auto held = read_setting(name);
    return held == value ? std::string()
                         : name + " reads \"" + held.value_or("?") + "\" after \"" + value + "\" was written";
}

std::string range_value(const Proposal& proposal) {
    return std::to_string(proposal.split.ephemeral.low) + " " + std::to_string(proposal.split.ephemeral.high);
}

std::string known(std::string_view name) {
    const auto value = read_setting(name);
    if (!value.has_value()) {
        throw Refusal(ExitCode::findings, std::string(name) +
                                              " cannot be read, and what is there would be lost; "
                                              "is /proc mounted?");
    }
    return *value;
}

PlanSetting* find(Settings& settings, std::string_view name) {
    const auto found = std::find_if(settings.begin(), settings.end(),
                                    [&](const PlanSetting& setting) { return setting.name == name; });
    return found == settings.end() ? nullptr : &*found;
}

/// In the order in which they are to be set. What an earlier --apply found stays what --revert brings back.
Settings settings_of(const Proposal& proposal, Settings earlier) {
    Settings settings;
    const std::string reserved = text_of(proposal.split.reserved);
    const std::string present = known(reserved_setting);
    if (reserved != present || find(earlier, reserved_setting) != nullptr) {
        settings.push_back({std::string(reserved_setting), present, reserved});
    }
    settings.push_back({std::string(range_setting), known(range_setting), range_value(proposal)});
    for (PlanSetting& setting : settings) {
        if (const PlanSetting* const old = find(earlier, setting.name); old != nullptr) {
            setting.before = old->before;
        }
    }
    return settings;
}

/// Sets `done` values of `change` back; empty: they are as they were. Else what is not, and how to have it
/// so.
std::string roll_back(const PlanChange& change, std::size_t done) {
    std::string left;
    while (done-- > 0) {
        const Value& value = change.values[done];
        const auto present = read_setting(value.name);
        if (present != value.from && !obstacle_to(value.name, value.from).empty()) {
            left.append(left.empty() ? "`" : " and `")
                .append(set_command(value.name, value.from))
                .append("`");
        }
    }
    return left;
}

[[noreturn]] void refuse_after(const std::string& obstacle, const std::string& left) {
    throw Refusal(ExitCode::findings,
                  obstacle + (left.empty() ? "; nothing was changed"
                                           : "; nor could what was there be set again: " + left));
}

void set_all(const PlanChange& change) {
    for (std::size_t index = 0; index < change.values.size(); ++index) {
        const Value& value = change.values[index];
        const std::string obstacle =
            value.from == value.to ? std::string() : obstacle_to(value.name, value.to);
        if (!obstacle.empty()) {
            refuse_after(obstacle, roll_back(change, index + 1));
        }
    }
}

} // namespace

bool PlanChange::changes() const {
    return changes_file || std::any_of(values.begin(), values.end(),
                                       [](const Value& value) { return value.from != value.to; });
}

std::string sysctl_lines(const Proposal& proposal) {
    std::string text;
    for (const PlanSetting& setting : settings_of(proposal, {})) {
        text += setting.now.empty() ? "" : setting.name + " = " + setting.now + "\n";
    }
    return text;
}

void leave_out_own_reservations(HostPorts& ports, const std::string& file) {
    Settings earlier = read_plan_file(file).value_or(Settings{});
    const PlanSetting* const own = find(earlier, reserved_setting);
    if (own != nullptr && text_of(ports.reserved) == own->now) {
        PortSet before;
        Text<128> why;
        if (own->before.empty() || parse_port_set(own->before, before, why)) {
            ports.reserved = before;
        }
    }
}

PlanChange apply_plan(const Proposal& proposal, const std::string& path, Extent extent) {
    const auto earlier = read_plan_file(path);
    const Settings settings = settings_of(proposal, earlier.value_or(Settings{}));
    PlanChange change{.extent = extent, .file = path, .changes_file = earlier != settings};
    for (const PlanSetting& setting : settings) {
        change.values.push_back({setting.name, known(setting.name), setting.now});
    }
    if (extent == Extent::dry_run) {
        return change;
    }
    if (change.changes_file) {
        write_plan_file(path, settings);
    }
    try {
        set_all(change);
    } catch (const Refusal&) {
        if (earlier.has_value()) {
            write_plan_file(path, *earlier);
        } else {
            remove_plan_file(path);
        }
        throw;
    }
    return change;
}

PlanChange revert_plan(const std::string& path, Extent extent) {
    const auto settings = read_plan_file(path);
    PlanChange change{.reverts = true, .extent = extent, .file = path, .changes_file = settings.has_value()};
    if (!settings.has_value()) {
        return change;
    }
    // The range first: ports that were reserved inside it must not be open meanwhile.
    for (auto setting = settings->rbegin(); setting != settings->rend(); ++setting) {
        const std::string present = known(setting->name);
        if (present != setting->now && present != setting->before) {
            throw Refusal(ExitCode::findings,
                          setting->name + " is " + present + " and not what was applied (" + setting->now +
                              "): it was changed since; `" + set_command(setting->name, setting->now) +
                              "` lets --revert go on");
        }
        change.values.push_back({setting->name, present, setting->before});
    }
    if (extent == Extent::all) {
        set_all(change);
        remove_plan_file(path);
    }
    return change;
}

} // namespace portguard::tools
